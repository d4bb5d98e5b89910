package jq

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// A message between host and worker is two texts of JSON: what is asked or
// answered, and the data, which is handed on as it is. Before them stands how long
// each is, in four bytes.

// protocol is what a worker greets its host with.
const protocol = "storyloop jq 1"

// greeting is the first message of a worker.
type greeting struct {
	Protocol string `json:"protocol"`
}

// task is what a worker is asked. The data are the inputs.
type task struct {
	Program string `json:"program"`
	Check   bool   `json:"check,omitempty"` // Do not run it.
}

// answer says why there is no result; else the result is the data.
type answer struct {
	Pointer string `json:"pointer,omitempty"` // Of what the author of the program can mend.
	Message string `json:"message,omitempty"`
	Fault   string `json:"fault,omitempty"` // Of ours.
}

const (
	prefix  = 8
	maxHead = 1 << 20 // A program of 64 KiB, each byte escaped, and some.
)

var errTooLong = errors.New("a message is too long, or is none")

func writeMessage(w io.Writer, head any, data []byte) error {
	text, err := json.Marshal(head)
	if err != nil {
		return fmt.Errorf("writing a message: %w", err)
	}
	b := make([]byte, prefix, prefix+len(text))
	binary.BigEndian.PutUint32(b, uint32(len(text)))
	binary.BigEndian.PutUint32(b[4:], uint32(len(data)))
	b = append(b, text...)
	if len(data) < 64<<10 { // One write takes less time than two, unless there is much to copy.
		b, data = append(b, data...), nil
	}
	if _, err := w.Write(b); err != nil || len(data) == 0 {
		return err
	}
	_, err = w.Write(data)
	return err
}

// readMessage reads one that has at most so many bytes of data. Its error is io.EOF
// where there is none.
func readMessage(r io.Reader, head any, most int) (data []byte, err error) {
	var lengths [prefix]byte
	if _, err := io.ReadFull(r, lengths[:]); err != nil {
		return nil, err
	}
	first, second := binary.BigEndian.Uint32(lengths[:]), binary.BigEndian.Uint32(lengths[4:])
	if first > maxHead || uint64(second) > uint64(most) {
		return nil, errTooLong
	}
	b := make([]byte, int(first)+int(second))
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, fmt.Errorf("reading a message: %w", err)
	}
	if err := json.Unmarshal(b[:first], head); err != nil {
		return nil, fmt.Errorf("reading a message: %w", err)
	}
	return b[first:], nil
}
