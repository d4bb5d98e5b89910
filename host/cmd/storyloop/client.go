package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/storyloop/storyloop/host"
	hosthttp "github.com/storyloop/storyloop/host/http"

	"github.com/storyloop/storyloop/host/core"
	"github.com/storyloop/storyloop/host/sqlite"
)

// client talks to the JSON API: to that of the host which runs on the data file,
// or, if none does, to one in this process on the same file.
type client struct {
	http   *http.Client
	base   string
	token  string
	remote bool // A host runs, and goes on when this command is over.
	close  func()
}

// need is what a command asks of the data file where no host runs.
type need byte

const (
	looks need = iota // The file must be there.
	runs              // The same, and connectors.
	adds              // Connectors, and the file is made if it is not there.
)

// openClient finds out whom to talk to. Close the client.
func (a *app) openClient(ctx context.Context, n need) (*client, error) {
	data, err := a.dataPath(true)
	if err != nil {
		return nil, err
	}
	if c, err := a.dial(ctx, data); c != nil || err != nil {
		return c, err
	}
	if _, err := os.Stat(data); n != adds && errors.Is(err, os.ErrNotExist) {
		return nil, usageErrorf("there is no data file %s: storyloop up makes one, and --data names another", data)
	}
	var s *stack
	if n == looks {
		s, err = a.openFile(ctx, data)
	} else {
		s, err = a.openStack(ctx, stackOptions{keep: true})
	}
	if err != nil {
		return nil, err
	}
	api, err := s.api(hosthttp.API{Switch: offline{s.engine}})
	if err != nil {
		s.close()
		return nil, err
	}
	return &client{http: &http.Client{Transport: hosthttp.Local{Handler: api}}, base: "http://localhost", close: s.close}, nil
}

// openFile opens the data file, and no connector but the built-in ones.
func (a *app) openFile(ctx context.Context, data string) (*stack, error) {
	log, err := a.log()
	if err != nil {
		return nil, err
	}
	file, err := sqlite.Open(ctx, data, sqlite.Options{Log: log})
	if err != nil {
		return nil, err
	}
	return &stack{app: a, log: log, file: file, engine: host.NewEngine(host.Setup{Store: file, Connectors: core.Connectors(), Log: log})}, nil
}

// dial returns nil if no host runs on the data file. A file that a host which was
// killed has left behind leads nowhere, or to another that does not know it.
func (a *app) dial(ctx context.Context, data string) (*client, error) {
	there, ok, err := readHostFile(data)
	if err != nil || !ok {
		return nil, err
	}
	c := &client{http: &http.Client{}, base: there.Address, token: there.Token, remote: true, close: func() {}}
	const answerWithin = 3 * time.Second
	ask, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	var about hosthttp.About
	if err := c.get(ask, "/api/v1/host", &about); err != nil || about.Instance != there.Instance {
		return nil, ctx.Err()
	}
	return c, nil
}

// get reads a value.
func (c *client) get(ctx context.Context, path string, out any) error {
	return c.do(ctx, http.MethodGet, path, nil, out)
}

// do sends a value and reads another, either of which may be nil. A
// *json.RawMessage gets the answer as it came.
func (c *client) do(ctx context.Context, method, path string, in, out any) error {
	resp, err := c.open(ctx, method, path, in)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if out == nil {
		return nil
	}
	if err := json.NewDecoder(resp.Body).Decode(out); err != nil {
		return fmt.Errorf("reading the host's answer: %w", err)
	}
	return nil
}

// open sends a request and returns the answer; what is no success is an error.
func (c *client) open(ctx context.Context, method, path string, in any) (*http.Response, error) {
	var body io.Reader
	if method != http.MethodGet {
		if in == nil {
			in = struct{}{}
		}
		raw, err := json.Marshal(in)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		var urlError *url.Error
		if errors.As(err, &urlError) {
			err = urlError.Err
		}
		return nil, fmt.Errorf("asking the host: %w", err)
	}
	if resp.StatusCode < 300 {
		return resp, nil
	}
	defer resp.Body.Close()
	return nil, refusal(resp)
}

// refusal reads a problem and decides whose fault it is.
func refusal(resp *http.Response) error {
	const longest = 4 << 20
	var p hosthttp.Problem
	if err := json.NewDecoder(io.LimitReader(resp.Body, longest)).Decode(&p); err != nil || p.Detail == "" {
		return fmt.Errorf("the host answered %s", resp.Status)
	}
	switch p.Status {
	case http.StatusBadRequest, http.StatusNotFound, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		return &exitError{exitUsage, &p}
	}
	return &p
}

// events reads server-sent events until the stream ends, f says stop, or ctx ends.
func (c *client) events(ctx context.Context, path string, f func(host.Progress) (more bool)) (missed int, err error) {
	resp, err := c.open(ctx, http.MethodGet, path, nil)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	lines, name := bufio.NewReader(resp.Body), ""
	for {
		line, err := lines.ReadString('\n')
		switch {
		case errors.Is(err, io.EOF):
			return missed, nil
		case err != nil:
			return missed, fmt.Errorf("following the host: %w", err)
		}
		line = strings.TrimRight(line, "\r\n")
		if event, ok := strings.CutPrefix(line, "event: "); ok {
			name = event
		}
		data, ok := strings.CutPrefix(line, "data: ")
		if !ok {
			continue
		}
		if name == "missed" {
			var m struct{ Count int }
			_ = json.Unmarshal([]byte(data), &m) // it only informs
			missed = m.Count
			continue
		}
		var p host.Progress
		if err := json.Unmarshal([]byte(data), &p); err != nil {
			return missed, fmt.Errorf("following the host: %w", err)
		}
		if !f(p) {
			return missed, nil
		}
	}
}

// segment makes a name part of a path.
func segment(name string) string { return url.PathEscape(name) }
