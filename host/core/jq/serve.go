package jq

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/storyloop/storyloop/host"
)

// exitMemory is how a worker ends whose program took too much.
const exitMemory = 3

// Serve is a worker: it runs the programs that its host asks for on in, one after
// the other, and answers on out, until in ends. It must be all that its process
// does, for it bounds what the process may take, and ends it, whatever the program
// is doing, when the host is gone or memory is short. The error is that of talking
// to the host.
func Serve(in io.Reader, out io.Writer) error {
	// The host says when to end. A service manager that asks all processes must not
	// cut off programs that the host still waits for.
	signal.Ignore(os.Interrupt, syscall.SIGTERM)
	confine()
	if err := writeMessage(out, greeting{protocol}, nil); err != nil {
		return err
	}
	s := server{in: bufio.NewReader(in), programs: programs{}}
	for {
		t, err := s.next()
		if err != nil {
			return nil // The host has closed its end, or is gone.
		}
		data, err := s.run(t)
		if err := writeMessage(out, answered(err), data); err != nil {
			return err
		}
		s.tidy()
	}
}

type server struct {
	in       *bufio.Reader
	programs programs
	ahead    chan struct{} // Closed when in has more; nil if nobody waits for that.
}

type received struct {
	task
	inputs []byte
}

func (s *server) next() (t received, err error) {
	if s.ahead != nil {
		<-s.ahead
		s.ahead = nil
	}
	t.inputs, err = readMessage(s.in, &t.task, MaxInput)
	return t, err
}

// lookAhead notices the end of the host while a program runs.
func (s *server) lookAhead() {
	s.ahead = make(chan struct{})
	go func() {
		if _, err := s.in.Peek(1); err != nil {
			os.Exit(0)
		}
		close(s.ahead)
	}()
}

func (s *server) run(t received) ([]byte, error) {
	w := watch(s.lookAhead)
	defer w.stop()
	code, err := s.programs.compiled(t.Program)
	if err != nil || t.Check {
		return nil, err
	}
	inputs, err := decode(t.inputs)
	if err != nil {
		return nil, err
	}
	return run(context.Background(), code, inputs) // The host ends what takes too long, and this process with it.
}

// tidy gives back what a large program has left. The library remembers the regular
// expressions of a program for as long as there is the program.
func (s *server) tidy() {
	const plenty = MaxMemory / 4
	if taken() < plenty {
		return
	}
	debug.FreeOSMemory()
	if taken() < plenty {
		return
	}
	clear(s.programs)
	debug.FreeOSMemory()
}

func answered(err error) answer {
	var input *host.InputError
	switch {
	case err == nil:
		return answer{}
	case errors.As(err, &input):
		return answer{Pointer: input.Pointer, Message: input.Message}
	}
	return answer{Fault: err.Error()}
}
