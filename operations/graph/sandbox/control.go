package sandbox

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

const controlPrefix = "/__sandbox/"

// controlSchema describes the commands and their bodies.
//
//go:embed control.schema.json
var controlSchema []byte

// A controlError is what the control API answers with {"error": "..."}.
type controlError struct {
	status int
	text   string
}

func (e *controlError) Error() string { return e.text }

func badControl(format string, args ...any) error {
	return &controlError{http.StatusBadRequest, fmt.Sprintf(format, args...)}
}

type controlFunc func(s *Sandbox, r *http.Request, rest []string) (any, error)

// control is the control API: what a test or a person at a terminal may do to the world.
func control() map[string]controlFunc {
	return map[string]controlFunc{
		"GET info":               func(s *Sandbox, _ *http.Request, _ []string) (any, error) { return s.Info(), nil },
		"GET clock":              func(s *Sandbox, _ *http.Request, _ []string) (any, error) { return s.clockState(), nil },
		"POST clock":             controlClock,
		"GET faults":             func(s *Sandbox, _ *http.Request, _ []string) (any, error) { return s.faultList(), nil },
		"POST faults":            controlFaults,
		"DELETE faults":          func(s *Sandbox, _ *http.Request, _ []string) (any, error) { s.ClearFaults(); return done{}, nil },
		"GET requests":           controlRequests,
		"DELETE requests":        func(s *Sandbox, _ *http.Request, _ []string) (any, error) { s.ClearRequests(); return done{}, nil },
		"GET people":             func(s *Sandbox, _ *http.Request, _ []string) (any, error) { return s.peopleList(), nil },
		"POST people":            controlPeople,
		"POST callback":          controlCallback,
		"GET deliveries":         func(s *Sandbox, _ *http.Request, _ []string) (any, error) { return s.Deliveries(), nil },
		"POST deliveries":        controlDeliver,
		"POST rules":             controlRules,
		"POST flush":             func(s *Sandbox, r *http.Request, _ []string) (any, error) { return done{}, s.Flush(r.Context()) },
		"POST tokens":            controlToken,
		"POST tokens/invalidate": controlInvalidate,
		"POST limits":            controlLimits,
		"POST assets":            controlAsset,
		"POST removals":          controlRemoval,
		"GET world":              func(s *Sandbox, _ *http.Request, _ []string) (any, error) { return s.encodeWorld() },
		"GET world-schema":       func(*Sandbox, *http.Request, []string) (any, error) { return WorldSchema(), nil },
		"GET schema":             func(*Sandbox, *http.Request, []string) (any, error) { return json.RawMessage(controlSchema), nil },
		"POST reset":             func(s *Sandbox, _ *http.Request, _ []string) (any, error) { return done{}, s.Reset() },
	}
}

type done struct{}

// MarshalJSON makes the answer of commands that have nothing to say.
func (done) MarshalJSON() ([]byte, error) { return []byte(`{"ok":true}`), nil }

func (s *Sandbox) serveControl(w http.ResponseWriter, r *http.Request) {
	value, err := s.runControl(r)
	w.Header().Set("Content-Type", "application/json")
	if err == nil {
		e := json.NewEncoder(w)
		e.SetEscapeHTML(false)
		_ = e.Encode(value) // a client that is gone gets no answer
		return
	}
	status := http.StatusBadRequest
	var ce *controlError
	if errors.As(err, &ce) {
		status = ce.status
	}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": err.Error()})
}

func (s *Sandbox) runControl(r *http.Request) (any, error) {
	parts := splitPath(strings.TrimPrefix(r.URL.Path+"/", controlPrefix))
	if len(parts) == 0 {
		return nil, &controlError{http.StatusNotFound, "name a part of the control API, such as /__sandbox/info; all of them are in /__sandbox/schema"}
	}
	all := control()
	for n := len(parts); n > 0; n-- {
		name := strings.Join(parts[:n], "/")
		if f := all[r.Method+" "+name]; f != nil {
			return f(s, r, parts[n:])
		}
		for key := range all {
			if _, path, _ := strings.Cut(key, " "); path == name {
				return nil, &controlError{http.StatusMethodNotAllowed, fmt.Sprintf("%s does not take %s", controlPrefix+name, r.Method)}
			}
		}
	}
	return nil, &controlError{http.StatusNotFound, fmt.Sprintf("there is no %s; all parts of the control API are in /__sandbox/schema", r.URL.Path)}
}

// readControl reads a command's JSON body strictly: what it does not know, it refuses.
func readControl(r *http.Request, target any) error {
	d := json.NewDecoder(http.MaxBytesReader(nil, r.Body, maxBody))
	d.DisallowUnknownFields()
	if err := d.Decode(target); err != nil {
		if errors.Is(err, io.EOF) {
			return badControl("the body is empty; send a JSON object")
		}
		return badControl("reading the body: %s", err)
	}
	if d.More() {
		return badControl("the body has more than one JSON value")
	}
	return nil
}

type clockState struct {
	Now     time.Time `json:"now"`
	Running bool      `json:"running"`
}

func (s *Sandbox) clockState() clockState { return clockState{s.clock.Now(), s.clock.Running()} }

// controlClock sets the clock ({"now":"2026-08-04T09:00:00Z"}) or moves it
// ({"advance":"25h"}).
func controlClock(s *Sandbox, r *http.Request, _ []string) (any, error) {
	var in struct {
		Now     time.Time `json:"now"`
		Advance string    `json:"advance"`
	}
	if err := readControl(r, &in); err != nil {
		return nil, err
	}
	switch {
	case in.Now.IsZero() == (in.Advance == ""):
		return nil, badControl("send either now (a time such as 2026-08-04T09:00:00Z) or advance (a duration such as 25h)")
	case in.Advance != "":
		d, err := time.ParseDuration(in.Advance)
		if err != nil {
			return nil, badControl("advance: %q is not a duration such as 25h or 90m", in.Advance)
		}
		s.clock.Advance(d)
	default:
		s.clock.Set(in.Now)
	}
	return s.clockState(), nil
}

type faultState struct {
	Fault
	Left int `json:"left"` // -1: without end
}

func (s *Sandbox) faultList() []faultState {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := []faultState{}
	for _, f := range s.faults {
		list = append(list, faultState{f.Fault, f.left})
	}
	return list
}

func controlFaults(s *Sandbox, r *http.Request, _ []string) (any, error) {
	var f Fault
	if err := readControl(r, &f); err != nil {
		return nil, err
	}
	return done{}, s.AddFault(f)
}

// controlRequests answers the journal; ?route= and ?path= narrow it.
func controlRequests(s *Sandbox, r *http.Request, _ []string) (any, error) {
	route, path := r.URL.Query().Get("route"), r.URL.Query().Get("path")
	list := []Request{}
	for _, one := range s.Requests() {
		if (route == "" || one.Route == route) && (path == "" || one.Path == path) {
			list = append(list, one)
		}
	}
	return struct {
		Counts   map[string]int `json:"counts"`
		Requests []Request      `json:"requests"`
	}{s.Counts(), list}, nil
}

// controlPeople is POST /__sandbox/people/{igsid}/{action}.
func controlPeople(s *Sandbox, r *http.Request, rest []string) (any, error) {
	if len(rest) != 2 {
		return nil, badControl("send it to /__sandbox/people/{igsid}/{action}; actions are %s", strings.Join(ActionKinds(), ", "))
	}
	var a Action
	if err := readControl(r, &a); err != nil {
		return nil, err
	}
	a.Kind = rest[1]
	out, err := s.Act(rest[0], a)
	if err != nil {
		return nil, badControl("%s", err)
	}
	return out, nil
}

// controlCallback sets the app's webhook. With "verify" it asks the callback first.
func controlCallback(s *Sandbox, r *http.Request, _ []string) (any, error) {
	var in struct {
		URL         string   `json:"url"`
		VerifyToken string   `json:"verify_token"`
		Fields      []string `json:"fields"`
		Verify      bool     `json:"verify"`
	}
	if err := readControl(r, &in); err != nil {
		return nil, err
	}
	if in.VerifyToken == "" {
		in.VerifyToken = s.Info().VerifyToken
	}
	if in.Verify {
		if err := s.handshake(&subscription{url: in.URL, verifyToken: in.VerifyToken}); err != nil {
			return nil, badControl("verifying the callback: %s", err)
		}
	}
	return done{}, s.SetCallback(in.URL, in.VerifyToken, in.Fields...)
}

// controlDeliver sends a body of the caller's, signed as the sandbox's own are.
func controlDeliver(s *Sandbox, r *http.Request, _ []string) (any, error) {
	var in struct {
		Flavour string          `json:"flavour"`
		Body    json.RawMessage `json:"body"`
	}
	if err := readControl(r, &in); err != nil {
		return nil, err
	}
	if in.Flavour == "" {
		in.Flavour = flavourFacebook.String()
	}
	if len(in.Body) == 0 {
		return nil, badControl("body: say what to deliver")
	}
	return done{}, s.Deliver(in.Flavour, in.Body)
}

func controlRules(s *Sandbox, r *http.Request, _ []string) (any, error) {
	var rules Rules
	if err := readControl(r, &rules); err != nil {
		return nil, err
	}
	return done{}, s.SetRules(rules)
}

func controlToken(s *Sandbox, r *http.Request, _ []string) (any, error) {
	var spec TokenSpec
	if err := readControl(r, &spec); err != nil {
		return nil, err
	}
	token, err := s.NewToken(spec)
	if err != nil {
		return nil, err
	}
	return map[string]string{"access_token": token}, nil
}

func controlInvalidate(s *Sandbox, r *http.Request, _ []string) (any, error) {
	var in struct {
		Token   string `json:"token"`
		Subcode int    `json:"subcode"`
	}
	if err := readControl(r, &in); err != nil {
		return nil, err
	}
	return done{}, s.InvalidateToken(in.Token, in.Subcode)
}

func controlLimits(s *Sandbox, r *http.Request, _ []string) (any, error) {
	var l Limits
	if err := readControl(r, &l); err != nil {
		return nil, err
	}
	s.SetLimits(l)
	return done{}, nil
}

// controlAsset says what is at a URL that Meta is asked to fetch.
func controlAsset(s *Sandbox, r *http.Request, _ []string) (any, error) {
	var a Asset
	if err := readControl(r, &a); err != nil {
		return nil, err
	}
	if a.URL == "" {
		return nil, badControl("url: say where the file is")
	}
	s.SetAsset(a)
	return done{}, nil
}

// SetAsset says what Meta finds at a URL from now on.
func (s *Sandbox) SetAsset(a Asset) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.st.assets[a.URL] = &a
}
