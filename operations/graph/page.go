package graph

import (
	"encoding/json"
	"net/url"
)

// Page is one page of an edge.
type Page struct {
	Data []json.RawMessage
	// Next holds the parameters that ask for the next page; nil on the last. They
	// never hold a token.
	Next url.Values
}

// cursorParams are the parameters in which pages differ from each other.
var cursorParams = []string{"after", "since", "until", "__paging_token", "offset"}

// Page reads the body as a page. A page is the last if it has no "next": cursors
// may be there all the same, and may even be equal on every page.
func (r *Response) Page() (Page, error) {
	var body struct {
		Data   []json.RawMessage `json:"data"`
		Paging struct {
			Cursors struct {
				After string `json:"after"`
			} `json:"cursors"`
			Next string `json:"next"`
		} `json:"paging"`
	}
	if err := r.Decode(&body); err != nil {
		return Page{}, err
	}
	p := Page{Data: body.Data}
	if p.Data == nil {
		p.Data = []json.RawMessage{}
	}
	if body.Paging.Next == "" {
		return p, nil
	}
	// The next URL carries the token, so only its cursor is taken.
	p.Next = url.Values{}
	if u, err := url.Parse(body.Paging.Next); err == nil {
		p.Next = Cursor(u.RawQuery)
	}
	if after := body.Paging.Cursors.After; after != "" && p.Next.Get("after") == "" {
		p.Next.Set("after", after)
	}
	if len(p.Next) == 0 {
		p.Next = nil // a next page that nobody can ask for
	}
	return p, nil
}

// Cursor reads the parameters that tell a page from others out of a query, and
// drops all else.
func Cursor(query string) url.Values {
	all, _ := url.ParseQuery(query) // what could be read is used
	out := url.Values{}
	for _, name := range cursorParams {
		if v := all.Get(name); v != "" {
			out.Set(name, v)
		}
	}
	return out
}
