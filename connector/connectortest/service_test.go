package connectortest_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"

	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

const (
	webhookSecret = "s3cr3t-webhook-m4rk3r"
	tokenPrefix   = "s3cr3t-token-m4rk3r-"
	verifyToken   = "please-verify"
)

// service is the remote service of the example connector: notes of accounts,
// whose tokens are tokenPrefix and the account's name.
type service struct {
	mu sync.Mutex
	// Guarded by mu.
	notes map[string][]note // By account.
	dead  bool
	full  bool
}

type note struct {
	ID   string `json:"id"`
	Text string `json:"text"`
}

func newService() *service {
	s := &service{}
	s.reset()
	return s
}

func (s *service) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.notes = map[string][]note{}
	for i := range 5 {
		s.notes["anna"] = append(s.notes["anna"], note{ID: strconv.Itoa(100 + i), Text: fmt.Sprintf("note %d", i)})
	}
}

// set returns a fault that sets a flag until it is undone.
func (s *service) set(flag *bool) func() (undo func()) {
	return func() func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		*flag = true
		return func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			*flag = false
		}
	}
}

// add makes a note as its owner would in the service's own app, and returns the
// webhook request that tells of it.
func (s *service) add(account, text string) *connectorv1.ReceiveRequest {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := note{ID: strconv.Itoa(100 + len(s.notes[account])), Text: text}
	s.notes[account] = append(s.notes[account], n)
	body, err := json.Marshal(map[string]any{"account": account, "note": n})
	if err != nil {
		panic(err)
	}
	return &connectorv1.ReceiveRequest{Method: "POST", Headers: []*connectorv1.Header{{Name: "X-Signature", Value: signature(body)}}, Body: body}
}

func signature(body []byte) string {
	mac := hmac.New(sha256.New, []byte(webhookSecret))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	account, known := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "+tokenPrefix)
	switch {
	case s.dead || !known:
		w.WriteHeader(http.StatusUnauthorized)
		return
	case s.full:
		w.Header().Set("Retry-After", "60")
		w.WriteHeader(http.StatusTooManyRequests)
		return
	}
	id := strings.TrimPrefix(r.URL.Path, "/notes/")
	reply := func(v any) { _ = json.NewEncoder(w).Encode(v) }
	switch route := r.Method + " " + strings.SplitN(r.URL.Path[1:], "/", 2)[0]; route {
	case "GET me":
		fmt.Fprintf(w, `{"account":%q,"id":17841405726653027}`, account)
	case "GET notes":
		from, _ := strconv.Atoi(r.URL.Query().Get("from"))
		all := s.notes[account]
		to := min(from+2, len(all))
		page := map[string]any{"data": append([]note{}, all[min(from, to):to]...)}
		if to < len(all) {
			page["next"] = strconv.Itoa(to)
		}
		reply(page)
	case "POST notes":
		var n note
		if err := json.NewDecoder(r.Body).Decode(&n); err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		n.ID = strconv.Itoa(100 + len(s.notes[account]))
		s.notes[account] = append(s.notes[account], n)
		reply(n)
	case "DELETE notes":
		var kept []note
		for _, n := range s.notes[account] {
			if n.ID != id {
				kept = append(kept, n)
			}
		}
		s.notes[account] = kept
		reply(map[string]bool{"deleted": true})
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}
