package http

import (
	"fmt"
	"io"
	"net/http"
	"sync"
)

// Local carries requests to a handler in this process, without a port. Streams
// reach the reader as they are written.
type Local struct{ Handler http.Handler }

// RoundTrip implements [http.RoundTripper].
func (l Local) RoundTrip(r *http.Request) (*http.Response, error) {
	in := r.Clone(r.Context())
	if in.Body == nil {
		in.Body = http.NoBody
	}
	in.Host, in.RequestURI = r.URL.Host, r.URL.RequestURI()
	in.RemoteAddr = "127.0.0.1:0"
	reader, writer := io.Pipe()
	w := &localWriter{header: http.Header{}, body: writer, began: make(chan struct{})}
	go func() {
		err := error(nil)
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("serving %s %s panicked: %v", in.Method, in.URL.Path, p)
			}
			w.WriteHeader(http.StatusOK)
			_ = writer.CloseWithError(err)
			_ = in.Body.Close()
		}()
		l.Handler.ServeHTTP(w, in)
	}()
	select {
	case <-w.began:
	case <-r.Context().Done():
		_ = reader.CloseWithError(r.Context().Err())
		return nil, r.Context().Err()
	}
	return &http.Response{
		Status: fmt.Sprintf("%d %s", w.status, http.StatusText(w.status)), StatusCode: w.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: w.sent, Body: reader, ContentLength: -1, Request: r,
	}, nil
}

// localWriter hands an answer on at once.
type localWriter struct {
	header http.Header
	body   *io.PipeWriter
	began  chan struct{} // Closed when status and sent are set.
	once   sync.Once
	status int
	sent   http.Header
}

// Header implements [http.ResponseWriter].
func (w *localWriter) Header() http.Header { return w.header }

// WriteHeader implements [http.ResponseWriter].
func (w *localWriter) WriteHeader(status int) {
	w.once.Do(func() {
		w.status, w.sent = status, w.header.Clone()
		close(w.began)
	})
}

// Write implements [http.ResponseWriter].
func (w *localWriter) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(p)
}

// Flush implements [http.Flusher]: nothing is held back.
func (w *localWriter) Flush() { w.WriteHeader(http.StatusOK) }
