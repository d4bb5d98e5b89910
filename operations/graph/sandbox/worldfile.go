package sandbox

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
)

// worldSchema describes the file that LoadWorld reads.
//
//go:embed world.schema.json
var worldSchema []byte

// WorldSchema returns the JSON Schema (2020-12) of the file that LoadWorld reads and Print
// writes. References between parts are beyond a schema; LoadWorld checks them.
func WorldSchema() json.RawMessage { return bytes.Clone(worldSchema) }

// Print writes the world as a file for people: LoadWorld reads the same world from it. It has
// the app's secrets and the tokens, as the sandbox knows no other than made-up ones.
func (w *World) Print(out io.Writer) error {
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(w); err != nil {
		return fmt.Errorf("writing the world: %w", err)
	}
	return nil
}

// World returns a copy of the world as it is now, with what came into being since the start
// after what was there. A world has no place for what is under way: containers, sign-ins,
// uploads, webhooks to send, used-up budgets.
func (s *Sandbox) World() (*World, error) {
	raw, err := s.encodeWorld()
	if err != nil {
		return nil, err
	}
	w := &World{}
	if err := json.Unmarshal(raw, w); err != nil {
		return nil, fmt.Errorf("copying the world: %w", err)
	}
	return w, nil
}

func (s *Sandbox) encodeWorld() (json.RawMessage, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.st.current()
	w.App, w.Limits = *s.app, s.usage.limits
	raw, err := json.Marshal(w)
	if err != nil {
		return nil, fmt.Errorf("copying the world: %w", err)
	}
	return raw, nil
}

// current gathers the lists of the world from the indexes, which are what requests change.
func (st *state) current() World {
	was := st.world
	return World{
		Users:        remaining(was.Users, st.users, func(u *User) string { return u.ID }),
		Pages:        remaining(was.Pages, st.pages, func(p *Page) string { return p.ID }),
		Accounts:     remaining(was.Accounts, st.accounts, func(a *Account) string { return a.ID }),
		People:       remaining(was.People, st.people, func(p *Person) string { return p.ID }),
		Media:        remaining(was.Media, st.media, func(m *Media) string { return m.ID }),
		Comments:     remaining(was.Comments, st.comments, func(c *Comment) string { return c.ID }),
		Hashtags:     remaining(was.Hashtags, st.hashtags, func(h *Hashtag) string { return h.ID }),
		Threads:      remaining(was.Threads, st.threads, func(t *Thread) string { return t.ID }),
		Catalogs:     remaining(was.Catalogs, st.catalogs, func(c *Catalog) string { return c.ID }),
		Assets:       remaining(was.Assets, st.assets, func(a *Asset) string { return a.URL }),
		Tokens:       remaining(was.Tokens, st.tokens, func(t *Token) string { return t.Value }),
		VideoSeconds: was.VideoSeconds,
	}
}

// remaining returns what is there now: first what was there, in its order, then what is new,
// by key, so that the same requests give the same file.
func remaining[T any](was []*T, now map[string]*T, key func(*T) string) []*T {
	var list []*T
	seen := make(map[string]bool, len(now))
	for _, item := range was {
		if k := key(item); now[k] != nil && !seen[k] {
			list, seen[k] = append(list, now[k]), true
		}
	}
	for _, k := range slices.Sorted(maps.Keys(now)) {
		if !seen[k] {
			list = append(list, now[k])
		}
	}
	return list
}
