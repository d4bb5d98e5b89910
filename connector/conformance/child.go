package conformance

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin/runner"
)

// child is one run of the binary; go-plugin calls it a runner. We bring our own
// to hold the pipes ourselves: they must break when a host is killed.
type child struct {
	path   string
	env    []string
	stderr io.Writer

	cmd    *exec.Cmd
	pipes  []*os.File
	exited chan struct{}
}

func (c *child) runner(_ hclog.Logger, cmd *exec.Cmd, _ string) (runner.Runner, error) {
	c.env = append(c.env, cmd.Env...)
	return c, nil
}

// Start runs the binary in a process group of its own.
func (c *child) Start(context.Context) error {
	outR, outW, err := os.Pipe()
	if err != nil {
		return err
	}
	defer outW.Close()
	errR, errW, err := os.Pipe()
	if err != nil {
		outR.Close()
		return err
	}
	defer errW.Close()
	c.pipes = []*os.File{outR, errR}
	c.cmd = exec.Command(c.path)
	c.cmd.Env = c.env
	c.cmd.Stdout, c.cmd.Stderr = outW, errW
	c.cmd.SysProcAttr = ownGroup()
	if err := c.cmd.Start(); err != nil {
		c.hangUp()
		return err
	}
	go func() { _, _ = io.Copy(c.stderr, errR) }()
	go func() {
		_ = c.cmd.Wait() // The state says all that the error does.
		close(c.exited)
	}()
	return nil
}

// hangUp breaks the pipes, as a host does that was killed.
func (c *child) hangUp() {
	for _, p := range c.pipes {
		_ = p.Close()
	}
}

func (c *child) gone() bool {
	select {
	case <-c.exited:
		return true
	default:
		return false
	}
}

// The rest of go-plugin's runner.

var errNoPipe = errors.New("the process was not started")

func (c *child) Stdout() io.ReadCloser {
	if len(c.pipes) == 0 {
		return io.NopCloser(errReader{})
	}
	return c.pipes[0]
}

type errReader struct{}

func (errReader) Read([]byte) (int, error) { return 0, errNoPipe }

// Stderr is empty: go-plugin would parse what the connector logs.
func (c *child) Stderr() io.ReadCloser { return io.NopCloser(strings.NewReader("")) }

func (c *child) Name() string { return c.path }

func (c *child) ID() string {
	if c.cmd == nil || c.cmd.Process == nil {
		return ""
	}
	return strconv.Itoa(c.cmd.Process.Pid)
}

func (c *child) Diagnose(context.Context) string { return "" }

func (c *child) Wait(context.Context) error {
	<-c.exited
	return nil
}

func (c *child) Kill(context.Context) error {
	if c.cmd != nil && c.cmd.Process != nil && !c.gone() {
		_ = c.cmd.Process.Kill() // The only error is that it is gone.
	}
	return nil
}

func (c *child) PluginToHost(network, addr string) (string, string, error) { return network, addr, nil }
func (c *child) HostToPlugin(network, addr string) (string, string, error) { return network, addr, nil }

// lockedBuffer keeps what several goroutines write.
type lockedBuffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
