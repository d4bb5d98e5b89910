package clients_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	fb "github.com/huandu/facebook/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestMessage writes to somebody; the client puts JSON texts into its form.
func TestMessage(t *testing.T) {
	s := start(t)
	jane := s.person("jane_doe")
	s.control(http.MethodPost, "people/"+jane+"/message", map[string]string{"text": "Is size M there?"}, nil)
	session := s.session(s.shop().PageToken)
	got, err := session.Post("/me/messages", fb.Params{
		"recipient": fb.Params{"id": jane}, "message": fb.Params{"text": "Yes, it is 😀"}, "messaging_type": "RESPONSE",
	})
	require.NoError(t, err)
	var recipient, message string
	s.into(got, "recipient_id", &recipient)
	s.into(got, "message_id", &message)
	assert.Equal(t, jane, recipient)
	read, err := session.Get("/"+message, fb.Params{"fields": "message,from,to"})
	require.NoError(t, err)
	assert.Equal(t, "Yes, it is 😀", read["message"])

	page := "page token " + s.shop().PageID
	send := params{"recipient": `{"id":"` + jane + `"}`, "message": `{"text":"Yes, it is 😀"}`, "messaging_type": "RESPONSE"}
	s.saw(
		s.made("POST", "/me/messages", send).by(page),
		s.made("GET", "/"+message, params{"fields": "message,from,to"}).by(page),
	)
}

// TestMessage_WithoutPageToken is refused: a user token does not send.
func TestMessage_WithoutPageToken(t *testing.T) {
	s := start(t)
	_, err := s.user().Post("/"+s.shop().PageID+"/messages", fb.Params{
		"recipient": fb.Params{"id": s.person("jane_doe")}, "message": fb.Params{"text": "Hi"},
	})
	require.Error(t, err)
	calls := s.journal()
	require.Len(t, calls, 1)
	assert.Equal(t, http.StatusForbidden, calls[0].Status)
	assert.Equal(t, 210, calls[0].Code)
}

// TestWebhooks subscribes, with the app's token, a callback that answers the handshake, and
// gets a comment there. The client has no part for the receiving end.
func TestWebhooks(t *testing.T) {
	s := start(t)
	posts := make(chan delivery, 10)
	callback := httptest.NewServer(receive("a token", posts))
	t.Cleanup(callback.Close)

	_, err := s.session(s.shop().PageToken).Post("/"+s.shop().PageID+"/subscribed_apps", fb.Params{"subscribed_fields": []string{"feed"}})
	require.NoError(t, err)
	app := s.session(s.app().AppAccessToken())
	_, err = app.Post("/"+s.AppID+"/subscriptions", fb.Params{
		"object": "instagram", "callback_url": callback.URL, "verify_token": "a token", "fields": []string{"comments"}, "include_values": true,
	})
	require.NoError(t, err)
	got, err := app.Get("/"+s.AppID+"/subscriptions", nil)
	require.NoError(t, err)
	var list []struct{ Object, CallbackUrl string }
	s.into(got, "data", &list)
	require.Len(t, list, 1)
	assert.Equal(t, callback.URL, list[0].CallbackUrl)

	s.saw(
		s.made("POST", "/"+s.shop().PageID+"/subscribed_apps", params{"subscribed_fields": `["feed"]`}).by("page token "+s.shop().PageID),
		s.made("POST", "/"+s.AppID+"/subscriptions", params{
			"object": "instagram", "callback_url": callback.URL, "verify_token": "<verify token>", "fields": `["comments"]`, "include_values": "true",
		}).by("app token"),
		s.made("GET", "/"+s.AppID+"/subscriptions", nil).by("app token"),
	)

	jane := s.person("jane_doe")
	s.control(http.MethodPost, "people/"+jane+"/comment", map[string]string{"media_id": firstPost, "text": "Schön & gut"}, nil)
	s.control(http.MethodPost, "flush", nil, nil)
	require.Len(t, posts, 1)
	post := <-posts
	mac := hmac.New(sha256.New, []byte(s.AppSecret))
	mac.Write(post.body)
	assert.Equal(t, "sha256="+hex.EncodeToString(mac.Sum(nil)), post.signature)
	var envelope struct {
		Object string
		Entry  []struct {
			ID      string
			Changes []struct {
				Field string
				Value struct{ Text string }
			}
		}
	}
	require.NoError(t, json.Unmarshal(post.body, &envelope))
	require.Len(t, envelope.Entry, 1)
	assert.Equal(t, s.shop().ID, envelope.Entry[0].ID)
	assert.Equal(t, "comments", envelope.Entry[0].Changes[0].Field)
	assert.Equal(t, "Schön & gut", envelope.Entry[0].Changes[0].Value.Text)
}

type delivery struct {
	body      []byte
	signature string
}

// receive is an app's callback.
func receive(token string, posts chan<- delivery) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			body, _ := io.ReadAll(r.Body) // a body cut off fails the signature
			posts <- delivery{body, r.Header.Get("X-Hub-Signature-256")}
			return
		}
		q := r.URL.Query()
		if q.Get("hub.verify_token") != token {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		_, _ = io.WriteString(w, q.Get("hub.challenge"))
	})
}

// person is the id by which the shop sees somebody.
func (s *sandbox) person(username string) string {
	s.Helper()
	var people []struct {
		IGSID, Username string
		AccountID       string `json:"account_id"`
	}
	s.control(http.MethodGet, "people", nil, &people)
	for _, p := range people {
		if p.Username == username && p.AccountID == s.shop().ID {
			return p.IGSID
		}
	}
	require.Fail(s, "nobody has this name", username)
	return ""
}
