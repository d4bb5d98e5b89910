package sandbox

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzFields: what is read and written again reads the same.
func FuzzFields(f *testing.F) {
	for _, seed := range []string{
		"", "id", "id,text", " id , text ", `["id","text"]`, "media.limit(2){id,caption,comments.limit(5){id,text,replies{id,text}}}",
		"mentioned_comment.comment_id(17894000000000001){text,timestamp,media{id}}", "business_discovery.username(bluebottle){followers_count}",
		"a{", "a}", "a.b", "a.b(", "a.b()c", ",,", "a{,}", strings.Repeat("a{", 50), "\x00",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		fields, err := parseFields(text)
		if err != nil {
			return
		}
		again, err := parseFields(fieldsText(fields))
		if err != nil {
			t.Fatalf("%q was written as %q, which does not read: %v", text, fieldsText(fields), err)
		}
		if fieldsText(again) != fieldsText(fields) {
			t.Fatalf("%q became %q", fieldsText(fields), fieldsText(again))
		}
	})
}

// FuzzCursor: no text is a cursor by accident that points before the list.
func FuzzCursor(f *testing.F) {
	f.Add(makeCursor(0, "1"))
	f.Add(makeCursor(24, "17900001000000001"))
	f.Add("MAZDZD")
	f.Add("QVFI")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		at, id, ok := readCursor(text)
		if !ok {
			return
		}
		if at < 0 {
			t.Fatalf("%q points to %d", text, at)
		}
		if back, gotID, ok := readCursor(makeCursor(at, id)); !ok || back != at || gotID != id {
			t.Fatalf("%d %q became %d %q", at, id, back, gotID)
		}
	})
}

// FuzzString: what is written as JSON is ASCII and reads as what it was.
func FuzzString(f *testing.F) {
	f.Add("Größe M/L? 🧥 \x00\n\t\"\\")
	f.Fuzz(func(t *testing.T, text string) {
		b := encode(nil, text)
		for _, c := range b {
			if c >= utf8.RuneSelf || c < 0x20 {
				t.Fatalf("%q has the byte %x", b, c)
			}
		}
		var back string
		if err := json.Unmarshal(b, &back); err != nil {
			t.Fatalf("%q: %v", b, err)
		}
		if want := strings.ToValidUTF8(text, "\ufffd"); utf8.ValidString(text) && back != want {
			t.Fatalf("%q became %q", want, back)
		}
	})
}

// FuzzRequest: no request breaks the sandbox, and every answer of the Graph API is JSON.
func FuzzRequest(f *testing.F) {
	sb, err := New(Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = sb.Close() })
	info := sb.Info()
	f.Add("GET", "v25.0/me", "fields=id,name", "", "")
	f.Add("POST", SeedAccountID+"/mentions", "", "application/json", `{"media_id":"17918195224117851","message":"hi"}`)
	f.Add("POST", "me/messages", "access_token="+info.Accounts[0].PageToken, "application/json", `{"recipient":{"id":"7700000000000001"},"message":{"attachment":{"type":"template","payload":{"template_type":"generic","elements":[{}]}}}}`)
	f.Add("POST", "", "batch=[{\"method\":\"GET\",\"relative_url\":\"me\",\"name\":\"a\"},{\"relative_url\":\"{result=a:$.id}\"}]", "", "")
	f.Add("POST", SeedAccountID+"/media", "image_url=https://a.example/b.jpg&user_tags=[{}]", "multipart/form-data; boundary=x", "--x--")
	f.Add("GET", "ig_hashtag_search", "user_id="+SeedAccountID+"&q=coke", "", "")
	f.Add("GET", SeedAccountID+"/media", "since=-7days&until=Mon+Aug+03+2026+09:00:00+GMT%2B0200", "", "")
	f.Add("GET", "me", "fields=picture.width(320){url},middle_name", "", "")
	f.Add("DELETE", "17800000000001007", "", "", "{}")
	f.Fuzz(func(t *testing.T, method, path, query, kind, body string) {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		r.Method, r.URL.Path, r.URL.RawQuery = method, "/"+path, query
		if strings.HasPrefix(r.URL.Path, controlPrefix) {
			return
		}
		r.Header.Set("Content-Type", kind)
		r.Header.Set("Authorization", "Bearer "+info.Accounts[0].UserToken)
		w := httptest.NewRecorder()
		sb.ServeHTTP(w, r)
		if strings.HasPrefix(w.Header().Get("Content-Type"), "application/json") && w.Code != http.StatusNotModified && !json.Valid(w.Body.Bytes()) {
			t.Fatalf("%s /%s?%s answered %d %q", method, path, query, w.Code, w.Body)
		}
	})
}
