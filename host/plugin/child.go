package plugin

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"github.com/hashicorp/go-plugin/runner"

	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// child is one run of a binary; go-plugin calls it a runner. We bring our own
// because go-plugin's hands the host's standard input on, parses the connector's
// log in a way that one line can end the host, and waits for the pipes to close
// before it notices an exit.
type child struct {
	path string
	env  []string
	dir  string // Where its socket must be.
	out  io.Writer
	err  io.Writer

	exited chan struct{} // Closed when the process is gone.
	quiet  chan struct{} // Closed when all that it wrote has been read, too.

	mu sync.Mutex
	// Guarded by mu.
	cmd       *exec.Cmd // Nil until it runs.
	killed    bool
	handshake string
	stdout    *io.PipeReader
}

const (
	// handshakeLimit bounds the line by which a connector introduces itself.
	handshakeLimit = 16 << 10
	// pipeGrace is how long we read on after an exit: a process that the connector
	// left behind may hold its pipes open for ever.
	pipeGrace = 500 * time.Millisecond
)

func newChild(path string, env []string, dir string, out, err io.Writer) *child {
	return &child{
		path: path, env: env, dir: dir, out: out, err: err,
		exited: make(chan struct{}), quiet: make(chan struct{}),
	}
}

// runner is go-plugin's RunnerFunc. The environment of cmd is what go-plugin
// wants the connector to know, and all that is of use in it.
func (c *child) runner(_ hclog.Logger, cmd *exec.Cmd, _ string) (runner.Runner, error) {
	c.env = append(c.env, cmd.Env...)
	return c, nil
}

// Start runs the binary.
func (c *child) Start(context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.killed {
		return errors.New("the start was given up")
	}
	outR, outW, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("making a pipe: %w", err)
	}
	defer outW.Close()
	errR, errW, err := os.Pipe()
	if err != nil {
		outR.Close()
		return fmt.Errorf("making a pipe: %w", err)
	}
	defer errW.Close()

	cmd := exec.Command(c.path)
	cmd.Env = c.env
	cmd.Stdin = nil // The null device.
	cmd.Stdout, cmd.Stderr = outW, errW
	cmd.SysProcAttr = ownGroup()
	if err := cmd.Start(); err != nil {
		outR.Close()
		errR.Close()
		return err
	}
	c.cmd = cmd

	first, hand := io.Pipe()
	c.stdout = first
	var readers sync.WaitGroup
	readers.Go(func() { c.readStdout(outR, hand) })
	readers.Go(func() { _, _ = io.Copy(c.err, errR) })
	go func() {
		_ = cmd.Wait() // The state says all that the error does.
		close(c.exited)
		until := time.Now().Add(pipeGrace)
		_ = outR.SetReadDeadline(until)
		_ = errR.SetReadDeadline(until)
		readers.Wait()
		outR.Close()
		errR.Close()
		close(c.quiet)
	}()
	return nil
}

// readStdout gives the first line to go-plugin, which it is meant for, and logs
// what else may come.
func (c *child) readStdout(r io.Reader, first *io.PipeWriter) {
	b := bufio.NewReaderSize(r, handshakeLimit)
	line, _ := b.ReadSlice('\n') // Whatever came is for go-plugin to judge.
	c.mu.Lock()
	c.handshake = strings.TrimSpace(string(line))
	c.mu.Unlock()
	_, _ = first.Write(line)
	first.Close()
	_, _ = io.Copy(c.out, b)
}

// kill ends the process at once, or prevents its start.
func (c *child) kill() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gone() {
		return
	}
	c.killed = true
	if c.cmd != nil {
		_ = c.cmd.Process.Kill() // The only error is that it is gone.
	}
}

// gone tells whether the process has ended.
func (c *child) gone() bool {
	select {
	case <-c.exited:
		return true
	default:
		return false
	}
}

// dying tells whether the process has ended or was told to.
func (c *child) dying() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.killed || c.gone()
}

// epitaph says how the process ended: "exit status 2", "signal: killed".
func (c *child) epitaph() string {
	if !c.gone() {
		return "still running"
	}
	return c.cmd.ProcessState.String()
}

func (c *child) pid() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cmd == nil {
		return 0
	}
	return c.cmd.Process.Pid
}

// why explains a start that go-plugin gave up, from what we saw of the process
// rather than from go-plugin's text.
func (c *child) why(err error) error {
	c.mu.Lock()
	line, killed := c.handshake, c.killed
	c.mu.Unlock()
	switch fields := strings.Split(line, "|"); {
	case c.pid() == 0:
		return fmt.Errorf("it cannot be run: %w", err)
	case line == "" && killed:
		return errors.New("it did not introduce itself; is it a connector?")
	case line == "":
		return fmt.Errorf("it ended before it introduced itself (%s); is it a connector?", c.epitaph())
	case len(fields) < 4:
		return fmt.Errorf("it wrote %.80q instead of introducing itself; is it a connector?", line)
	case fields[0] != strconv.Itoa(goplugin.CoreProtocolVersion), fields[1] != strconv.Itoa(int(connectorv1.Handshake.ProtocolVersion)):
		return fmt.Errorf("it speaks version %.20s of the connector protocol, this host speaks %d; install a connector that was built for it",
			fields[1], connectorv1.Handshake.ProtocolVersion)
	case len(fields) < 5 || fields[4] != string(goplugin.ProtocolGRPC):
		return errors.New("it does not speak gRPC; install a connector that was built for this host")
	}
	return err
}

// The rest of go-plugin's runner.

// Diagnose is asked when the first line was none that go-plugin knows. An exit
// may be on its way then, and is the better explanation.
func (c *child) Diagnose(context.Context) string {
	select {
	case <-c.exited:
	case <-time.After(pipeGrace):
	}
	return ""
}

func (c *child) Stdout() io.ReadCloser { return c.stdout }

// Stderr is empty: go-plugin must not parse what a stranger writes.
func (c *child) Stderr() io.ReadCloser { return io.NopCloser(strings.NewReader("")) }

func (c *child) Name() string { return c.path }

func (c *child) ID() string {
	if pid := c.pid(); pid != 0 {
		return strconv.Itoa(pid)
	}
	return ""
}

func (c *child) Wait(context.Context) error {
	<-c.exited
	return nil
}

func (c *child) Kill(context.Context) error {
	c.kill()
	return nil
}

// PluginToHost lets a connector be only where we put it: a stranger could name
// anybody's socket.
func (c *child) PluginToHost(network, addr string) (string, string, error) {
	switch network {
	case "unix":
		if within, err := filepath.Rel(c.dir, addr); err != nil || !filepath.IsLocal(within) {
			return "", "", errors.New("its socket is not in the directory that it was given")
		}
		return network, addr, nil
	case "tcp":
		host, _, err := net.SplitHostPort(addr)
		if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsLoopback() {
			return "", "", errors.New("it listens on an address that is not this machine's own")
		}
		return network, addr, nil
	}
	return "", "", fmt.Errorf("it listens on a network of unknown kind %.20q", network)
}

func (c *child) HostToPlugin(network, addr string) (string, string, error) {
	return network, addr, nil
}
