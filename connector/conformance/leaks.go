package conformance

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"slices"
	"strings"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"

	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// leaks watches all that comes back from a connector for secrets.
type leaks struct {
	secrets []string

	mu    sync.Mutex // Guards found.
	found []string   // RPC methods whose answers held a secret.
}

// unary looks at one answer.
func (l *leaks) unary(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, call grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	err := call(ctx, method, req, reply, cc, opts...)
	l.look(method, reply, err)
	return err
}

// stream looks at each message.
func (l *leaks) stream(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, open grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	s, err := open(ctx, desc, cc, method, opts...)
	if err != nil {
		l.look(method, nil, err)
		return nil, err
	}
	return &watchedStream{s, l, method}, nil
}

type watchedStream struct {
	grpc.ClientStream
	leaks  *leaks
	method string
}

// RecvMsg looks at the message that came.
func (s *watchedStream) RecvMsg(m any) error {
	err := s.ClientStream.RecvMsg(m)
	s.leaks.look(s.method, m, err)
	return err
}

// look searches an answer. The fields for secrets are for the host alone: a
// credential that is inspected comes back in one.
func (l *leaks) look(method string, reply any, err error) {
	if method == connectorv1.ConnectorService_GetCatalog_FullMethodName {
		return // No secret was given for it; an example in it may look like a fake's.
	}
	text := ""
	if m, ok := reply.(proto.Message); ok && m != nil {
		shown := connectorv1.Redact(m)
		raw, _ := proto.Marshal(shown)
		text = string(raw) + prototext.Format(shown)
	}
	if err != nil {
		text += err.Error()
	}
	if !l.in(text) {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !slices.Contains(l.found, method) {
		l.found = append(l.found, method)
	}
}

// in reports whether a text holds a secret, as it is or in a form that everybody
// can turn back.
func (l *leaks) in(text string) bool {
	if text == "" {
		return false
	}
	for _, s := range l.secrets {
		for _, form := range append(encoded(s), s, url.QueryEscape(s), url.PathEscape(s), hex.EncodeToString([]byte(s))) {
			if strings.Contains(text, form) {
				return true
			}
		}
	}
	return false
}

// encoded returns what a secret looks like within base64, which depends on how
// many bytes stand before it. Characters that hold bits of its neighbours are
// left out.
func encoded(secret string) []string {
	var forms []string
	for before := range 3 {
		padded := strings.Repeat("x", before) + secret
		padded = padded[:len(padded)/3*3]
		start := 0
		if before > 0 {
			start = 4
		}
		for _, alphabet := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
			if text := alphabet.EncodeToString([]byte(padded)); len(text) > start {
				forms = append(forms, text[start:])
			}
		}
	}
	return forms
}

func (l *leaks) methods() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.found)
}
