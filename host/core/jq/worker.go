package jq

import (
	"bufio"
	"context"
	"io"
	"os"
	"os/exec"
	"time"
)

// worker is a process that runs programs.
type worker struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	stderr opening
	ended  chan struct{} // Closed when the process is gone.
}

// startTime is how long a worker may take until it says that it is one.
const startTime = 10 * time.Second

// start returns a worker that is ready. It knows nothing of the host's environment
// but the time zone, which programs can ask for, and ends when the host does: its
// standard input ends then.
func start(ctx context.Context, command []string) (*worker, error) {
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env = []string{}
	if zone, ok := os.LookupEnv("TZ"); ok {
		cmd.Env = append(cmd.Env, "TZ="+zone)
	}
	cmd.SysProcAttr = apart()
	w := &worker{cmd: cmd, ended: make(chan struct{})}
	cmd.Stderr = &w.stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, unavailable("No worker for jq programs can be started: %v.", err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, unavailable("No worker for jq programs can be started: %v.", err)
	}
	w.in, w.out = in, bufio.NewReader(out)
	if err := cmd.Start(); err != nil {
		return nil, unavailable("No worker for jq programs can be started: %v.", err)
	}
	go func() {
		_ = cmd.Wait() // The state says all that the error does.
		close(w.ended)
	}()
	return w, w.greeted(ctx)
}

func (w *worker) greeted(ctx context.Context) error {
	starting, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	stop := context.AfterFunc(starting, w.kill)
	var g greeting
	_, err := readMessage(w.out, &g, 0)
	if stop() && err == nil && g.Protocol == protocol {
		return nil
	}
	w.end()
	if ctx.Err() != nil {
		return cutOff()
	}
	return unavailable("The worker for jq programs did not start (%s). Is the command that starts it that of this host?", w.cmd.ProcessState)
}

// ask has a task done. The process is of no use any more after an error, and when
// the context has ended.
func (w *worker) ask(ctx context.Context, t task, inputs []byte) (a answer, data []byte, err error) {
	defer context.AfterFunc(ctx, w.kill)()
	if err := writeMessage(w.in, t, inputs); err != nil {
		return a, nil, err
	}
	data, err = readMessage(w.out, &a, MaxOutput)
	return a, data, err
}

func (w *worker) kill() { _ = w.cmd.Process.Kill() } // The only error is that it is gone.

// end ends the process and waits for its end.
func (w *worker) end() {
	w.kill()
	<-w.ended
}

func (w *worker) hasEnded() bool {
	select {
	case <-w.ended:
		return true
	default:
		return false
	}
}

// endedError says that a process ended and did not say why.
type endedError struct{ how string }

func (e *endedError) Error() string { return "the worker ended: " + e.how }

// why explains the end of a process that has ended.
func (w *worker) why() error {
	switch {
	case w.cmd.ProcessState.ExitCode() == exitMemory, w.stderr.says(outOfMemory):
		return wrong("the program used more than %d MiB of memory; does it recurse, or collect a list, without end?", MaxMemory>>20)
	case w.stderr.says(stackOverflow):
		return wrong("the program nests values, or recurses, too deep")
	}
	return &endedError{w.cmd.ProcessState.String()}
}
