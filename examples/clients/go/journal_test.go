package clients_test

import (
	"encoding/json"
	"net/http"

	"github.com/stretchr/testify/assert"
)

// A call is an entry of the sandbox's journal: one request, with its secrets replaced by
// what they are, and how it was answered.
type call struct {
	Method  string            `json:"method"`
	Host    string            `json:"host"`
	Version string            `json:"version"`
	Path    string            `json:"path"`
	Params  map[string]string `json:"params"`
	Token   string            `json:"token"`
	Auth    string            `json:"auth"`
	Status  int               `json:"status"`
	Code    int               `json:"code"`
	Subcode int               `json:"subcode"`
	Fault   string            `json:"fault"`
	Batch   bool              `json:"batch"`
}

type params = map[string]string

// made is a call as the client makes it with the shop's user token, and that succeeded.
func (s *sandbox) made(method, path string, p params) call {
	c := call{
		Method: method, Host: "graph.facebook.com", Version: version, Path: path,
		Params: params{"format": "json"}, Auth: "parameter", Status: http.StatusOK,
	}
	for k, v := range p {
		c.Params[k] = v
	}
	return c.by("user token " + s.shop().UserID)
}

// by is the call with another token.
func (c call) by(token string) call {
	c.Token, c.Params["access_token"] = token, "<"+token+">"
	return c
}

// failed is the call with an error answer.
func (c call) failed(status, code, subcode int) call {
	c.Status, c.Code, c.Subcode = status, code, subcode
	return c
}

// struck is the call with a fault, which was answered with a status; 0 for no answer.
func (c call) struck(fault string, status int) call {
	c.Fault, c.Status = fault, status
	return c
}

// saw holds the journal since the last look to the calls, one by one and whole.
func (s *sandbox) saw(want ...call) {
	s.Helper()
	assert.Equal(s, want, s.journal())
}

// journal is what came in since the last look. What comes in meanwhile may be lost.
func (s *sandbox) journal() []call {
	s.Helper()
	calls := s.peek()
	s.control(http.MethodDelete, "requests", nil, nil)
	return calls
}

// peek is the journal, which it leaves as it is.
func (s *sandbox) peek() []call {
	s.Helper()
	var raw json.RawMessage
	s.control(http.MethodGet, "requests", nil, &raw)
	for _, secret := range []string{s.AppSecret, s.shop().UserToken, s.shop().PageToken, s.shop().InstagramToken} {
		if secret != "" { // not every account has each
			assert.NotContains(s, string(raw), secret, "the journal has a secret")
		}
	}
	var journal struct {
		Requests []call `json:"requests"`
	}
	assert.NoError(s, json.Unmarshal(raw, &journal))
	return journal.Requests
}
