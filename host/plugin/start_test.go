package plugin_test

import (
	"bufio"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	goplugin "github.com/hashicorp/go-plugin"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/storyloop/storyloop/host/plugin"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

func TestOpen_BadConnectors(t *testing.T) {
	t.Parallel()
	for role, want := range map[string][]string{
		"exits":           {"ended before it introduced itself (exit status 3)", "no such library"},
		"panics at start": {"ended before it introduced itself (exit status 2)", "panic: no settings"},
		"chatty":          {`wrote "hello world" instead of introducing itself`},
		"version 2":       {"speaks version 2 of the connector protocol, this host speaks 1", "install"},
		"not grpc":        {"does not speak gRPC"},
		"elsewhere":       {"not in the directory that it was given"},
		"no catalog":      {"the catalog", "it is missing"},
		"bad catalog": {
			`"test" cannot be used`, `operation "echo": its input schema does not compile`,
			`operation "Echo Twice": its name is not in snake_case`, `operation "hang" is there twice`,
			`trigger "rings": auth method "login" is not in the catalog`,
		},
	} {
		t.Run(role, func(t *testing.T) {
			t.Parallel()
			cfg, _ := config(t, role)
			_, err := plugin.Open(context.Background(), cfg)
			require.Error(t, err)
			for _, w := range want {
				assert.ErrorContains(t, err, w)
			}
			assert.Empty(t, entries(t, cfg.RuntimeDir))
		})
	}
}

func TestOpen_ErrorKinds(t *testing.T) {
	t.Parallel()
	cfg, _ := config(t, "bad catalog")
	_, err := plugin.Open(context.Background(), cfg)
	var catalog *plugin.CatalogError
	assert.ErrorAs(t, err, &catalog)

	cfg, _ = config(t, "exits")
	_, err = plugin.Open(context.Background(), cfg)
	var start *plugin.StartError
	require.ErrorAs(t, err, &start)
	assert.Equal(t, []string{"no such library"}, start.Log)

	cfg.Path = filepath.Join(t.TempDir(), "nowhere")
	_, err = plugin.Open(context.Background(), cfg)
	assert.ErrorIs(t, err, os.ErrNotExist)
	assert.ErrorContains(t, err, "nowhere")
}

func TestOpen_SilentConnectorIsGivenUp(t *testing.T) {
	t.Parallel()
	for _, role := range []string{"silent", "hangs at start"} {
		t.Run(role, func(t *testing.T) {
			t.Parallel()
			cfg, _ := config(t, role)
			cfg.StartTimeout = time.Second
			_, err := plugin.Open(context.Background(), cfg)
			assert.ErrorContains(t, err, "not ready in time")
		})
	}
}

func TestOpen_Cancelled(t *testing.T) {
	t.Parallel()
	cfg, _ := config(t, "silent")
	_, err := plugin.Open(within(t, 300*time.Millisecond), cfg)
	assert.Error(t, err)
	_, err = plugin.Open(cancelled(), cfg)
	assert.ErrorIs(t, err, context.Canceled)
	assert.Empty(t, entries(t, cfg.RuntimeDir))
}

func TestOpen_RefusedSettings(t *testing.T) {
	t.Parallel()
	cfg, _ := config(t, "good")
	cfg.Settings = []byte(`{"region":"wrong"}`)
	_, err := plugin.Open(context.Background(), cfg)
	assert.ErrorContains(t, err, "it refuses its settings: /region: there is no such region (choose eu)")
	assert.NotContains(t, err.Error(), "only a warning")
}

func TestOpen_Checksum(t *testing.T) {
	t.Parallel()
	sum, err := plugin.Sum(os.Args[0])
	require.NoError(t, err)
	cfg, _ := config(t, "good")
	cfg.Unverified = false

	_, err = plugin.Open(context.Background(), cfg)
	var unverified *plugin.UnverifiedError
	require.ErrorAs(t, err, &unverified)
	assert.ErrorContains(t, err, "storyloop connectors lock "+os.Args[0])

	cfg.SHA256 = make([]byte, 32)
	_, err = plugin.Open(context.Background(), cfg)
	var checksum *plugin.ChecksumError
	require.ErrorAs(t, err, &checksum)
	assert.Equal(t, sum, checksum.Got)
	assert.ErrorContains(t, err, "storyloop connectors lock "+os.Args[0])

	cfg.SHA256 = sum
	cfg.Path = filepath.Join(t.TempDir(), "link")
	require.NoError(t, os.Symlink(os.Args[0], cfg.Path))
	c := open(t, cfg)
	invoke(context.Background(), c, "exit", `{}`)
	assert.Nil(t, invoke(context.Background(), c, "echo", `{}`).GetFailure(), "the checksum must do for a second start")
	assert.Equal(t, 2, c.Status().Starts)
}

func TestProcess_SeesLittleOfTheHost(t *testing.T) {
	t.Setenv("TEST_HOST_SECRET", "s3cr3t")
	t.Setenv("HTTPS_PROXY", "http://proxy.test")
	t.Setenv("no_proxy", "localhost")
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector.test")
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "key=collector")
	t.Setenv("OTEL_SERVICE_NAME", "my-host")
	cfg, _ := config(t, "good")
	c := open(t, cfg)
	got := strings.Split(string(invoke(context.Background(), c, "environment", `{}`).GetResult().GetOutput()), "\n")
	require.Greater(t, len(got), 5)
	assert.Equal(t, "/dev/null", got[0], "standard input")
	assert.Contains(t, got, "HTTPS_PROXY=http://proxy.test")
	assert.Contains(t, got, "no_proxy=localhost")
	assert.Contains(t, got, "OTEL_EXPORTER_OTLP_ENDPOINT=http://collector.test")
	assert.Contains(t, got, "OTEL_EXPORTER_OTLP_HEADERS=key=collector", "it sends its traces itself")
	assert.Contains(t, got, "OTEL_SERVICE_NAME="+filepath.Base(os.Args[0]), "it is another service than its host")
	assert.NotContains(t, got, "OTEL_SERVICE_NAME=my-host")
	assert.Contains(t, got, "TEST_ROLE=good")
	assert.NotContains(t, strings.Join(got, "\n"), "s3cr3t")
	assert.NotContains(t, strings.Join(got, "\n"), "\nPATH=")
}

// TestProcess_LeavesThePortToTheSystem is for systems without Unix sockets, where
// ports from a fixed number on collide: the first port that a connector tries is 0.
func TestProcess_LeavesThePortToTheSystem(t *testing.T) {
	t.Parallel()
	cfg, _ := config(t, "good")
	c := open(t, cfg)
	got := strings.Split(string(invoke(context.Background(), c, "environment", `{}`).GetResult().GetOutput()), "\n")
	assert.Contains(t, got, "PLUGIN_MIN_PORT=0")
	assert.Contains(t, got, "PLUGIN_MAX_PORT=1", "both zero would mean ports from 10000 up")
}

// TestProcess_BelongsToItsSupervisorAlone ends all processes that go-plugin keeps in
// a list of its own, for ever: ours must not be among them.
func TestProcess_BelongsToItsSupervisorAlone(t *testing.T) {
	t.Parallel()
	cfg, _ := config(t, "good")
	c := open(t, cfg)
	goplugin.CleanupClients()
	assert.Nil(t, invoke(context.Background(), c, "echo", `{}`).GetFailure())
	assert.Equal(t, 1, c.Status().Starts)
}

func TestProcess_HasItsOwnGroup(t *testing.T) {
	t.Parallel()
	cfg, _ := config(t, "good")
	c := open(t, cfg)
	pid := c.Status().PID
	group, err := syscall.Getpgid(pid)
	require.NoError(t, err)
	assert.Equal(t, pid, group, "a terminal's signals must not reach it")
}

func TestProcess_StrangersCannotConnect(t *testing.T) {
	t.Parallel()
	cfg, _ := config(t, "good")
	c := open(t, cfg)
	sockets := sockets(t, cfg.RuntimeDir)
	require.Len(t, sockets, 1, "one socket, and none for a broker")
	cc, err := grpc.NewClient("unix:"+sockets[0], grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	defer cc.Close()
	_, err = connectorv1.NewConnectorServiceClient(cc).GetCatalog(within(t, time.Minute), &connectorv1.GetCatalogRequest{})
	assert.Error(t, err)
	assert.Nil(t, invoke(context.Background(), c, "echo", `{}`).GetFailure())
}

func TestRuntimeDir_IsPrivateAndGoneAfterClose(t *testing.T) {
	t.Parallel()
	cfg, _ := config(t, "good")
	c := open(t, cfg)
	dirs := entries(t, cfg.RuntimeDir)
	require.Len(t, dirs, 1)
	info, err := os.Stat(filepath.Join(cfg.RuntimeDir, dirs[0]))
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o700), info.Mode().Perm())
	require.NoError(t, c.Close(context.Background()))
	assert.Empty(t, entries(t, cfg.RuntimeDir))
}

func TestRuntimeDir_TooLongForASocket(t *testing.T) {
	t.Parallel()
	cfg, _ := config(t, "good")
	cfg.RuntimeDir = filepath.Join(cfg.RuntimeDir, strings.Repeat("long", 20))
	_, err := plugin.Open(context.Background(), cfg)
	assert.ErrorContains(t, err, "too long for a socket")
	assert.ErrorContains(t, err, cfg.RuntimeDir)
}

func TestRuntimeDir_LongTMPDIRIsAvoided(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("long", 20))
	require.NoError(t, os.Mkdir(dir, 0o700))
	t.Setenv("TMPDIR", dir)
	cfg, _ := config(t, "good")
	cfg.RuntimeDir = ""
	c := open(t, cfg)
	assert.Nil(t, invoke(context.Background(), c, "echo", `{}`).GetFailure())
}

func TestSDK_OutlivesASignalToTheGroup(t *testing.T) {
	t.Parallel()
	cfg, log := config(t, "sdk")
	c := open(t, cfg)
	pid := c.Status().PID
	require.NoError(t, syscall.Kill(pid, syscall.SIGTERM))
	require.NoError(t, syscall.Kill(pid, syscall.SIGINT))
	resp := invoke(context.Background(), c, "echo", `{"text":"17841405726653027"}`)
	require.Nil(t, resp.GetFailure())
	assert.JSONEq(t, `{"text":"17841405726653027"}`, string(resp.GetResult().GetOutput()))
	f := invoke(context.Background(), c, "echo", `{"txt":1}`).GetFailure()
	assert.Equal(t, connectorv1.FailureKind_FAILURE_KIND_INVALID_INPUT, f.GetKind())
	assert.Equal(t, "/txt", f.GetDiagnostics()[0].GetPointer())
	assert.Equal(t, pid, c.Status().PID)
	assert.NotContains(t, log.String(), "marker")
}

// TestHost_Killed shows that nothing stays behind when a host cannot clean up.
func TestHost_Killed(t *testing.T) {
	t.Parallel()
	dir := shortDir(t)
	host := exec.Command(os.Args[0])
	host.Env = append(os.Environ(), "TEST_ROLE=host", "TEST_DIR="+dir)
	host.Stderr = os.Stderr
	out, err := host.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, host.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	require.NoError(t, err, line)
	require.True(t, alive(t, pid))
	require.Len(t, entries(t, dir), 1)

	// A second host in the same directory leaves the first one's alone.
	cfg, _ := config(t, "good")
	cfg.RuntimeDir = dir
	second := open(t, cfg)
	require.Len(t, entries(t, dir), 2)
	require.NoError(t, second.Close(context.Background()))
	require.Len(t, entries(t, dir), 1)

	require.NoError(t, host.Process.Kill())
	_ = host.Wait() // It was killed, and that is all that the error says.
	assert.Eventually(t, func() bool { return !alive(t, pid) }, time.Minute, 50*time.Millisecond, "the connector outlives its host")

	third := open(t, cfg)
	assert.Len(t, entries(t, dir), 1, "what the killed host left is swept")
	require.NoError(t, third.Close(context.Background()))
	assert.Empty(t, entries(t, dir))
}

// alive reads the state of a process: one that nobody has waited for is dead.
func alive(t *testing.T, pid int) bool {
	b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
		return false
	}
	require.NoError(t, err)
	_, after, _ := strings.Cut(string(b), ") ")
	return !strings.HasPrefix(after, "Z")
}

func entries(t *testing.T, dir string) (names []string) {
	t.Helper()
	es, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range es {
		names = append(names, e.Name())
	}
	return names
}

func sockets(t *testing.T, dir string) (paths []string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err == nil && e.Type() == os.ModeSocket {
			paths = append(paths, path)
		}
		return err
	}))
	return paths
}
