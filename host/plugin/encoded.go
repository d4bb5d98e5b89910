package plugin

import (
	"fmt"

	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
)

// encoded is a message that has been encoded. What cannot be must not be sent on a
// shared stream: gRPC would end the stream with it, and the calls of others. So calls
// are encoded before, which also says how large they are.
type encoded []byte

// Format writes no byte of it: a call holds a credential.
func (encoded) Format(w fmt.State, _ rune) { fmt.Fprint(w, "(encoded)") }

// encodedCodec is gRPC's own, and passes on what has been encoded.
type encodedCodec struct{ encoding.CodecV2 }

// Marshal encodes a message, unless that has been done.
func (c encodedCodec) Marshal(v any) (mem.BufferSlice, error) {
	if raw, ok := v.(encoded); ok {
		return mem.BufferSlice{mem.SliceBuffer(raw)}, nil
	}
	return c.CodecV2.Marshal(v)
}
