package sandbox_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
)

func TestSmoke(t *testing.T) {
	c := newClient(t)
	show := func(r reply) { fmt.Println(r.status, r.text[:min(len(r.text), 600)]) }
	show(c.get("/me"))
	show(c.get("/me/accounts?fields=id,name,access_token,tasks,instagram_business_account{id,username}"))
	show(c.get("///me/accounts"))
	show(c.get("/v3.2/me"))
	show(c.get("/graph.instagram.com/v25.0/me?fields=user_id,username,account_type"))
	show(c.get("/" + account + "?fields=business_discovery.username(natgeo_sandbox){followers_count,media.limit(2){caption,like_count,view_count}}"))
	show(c.get("/" + account + "?fields=username,media.limit(2){id,caption,comments.limit(2){id,text,replies{id,text}}}"))
	show(c.get("/" + account + "?fields=nope"))
	show(c.get("/" + account + "?fields=media{"))
	show(c.get("/debug_token?input_token=" + c.info.Accounts[0].UserToken))
	show(c.get("/?ids=" + account + ",17900001000000001&fields=id,username"))
	show(c.get("/17900001000000003?fields=id,media_type,children{media_type,media_url},permalink,owner,timestamp"))
	show(c.get("/nope"))
	show(c.get("/me/nope"))
	show(c.get("/me?access_token=x"))
	show(c.do(c.request("GET", "/me", "", "")))
	var hooks []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "GET" {
			fmt.Fprint(w, r.URL.Query().Get("hub.challenge"))
			return
		}
		b, _ := io.ReadAll(r.Body)
		hooks = append(hooks, string(b))
		fmt.Println("HOOK", string(b), r.Header)
	}))
	defer srv.Close()
	show(c.post("/900000000000001/subscriptions?access_token="+url.QueryEscape(c.info.AppToken), url.Values{"object": {"instagram"}, "callback_url": {srv.URL}, "verify_token": {"v"}, "fields": {"comments,mentions,story_insights"}}))
	ig := c.sb.Igsid("bluebottle", "jane_doe")
	show(c.control("POST", "people/"+ig+"/comment", map[string]string{"media_id": "17900001000000001", "text": "Hé/llo ❤️"}))
	show(c.control("POST", "people/"+ig+"/mention_in_caption", map[string]string{"text": "hi"}))
	show(c.control("POST", "people/"+ig+"/mention_in_comment", map[string]string{"text": "hi"}))
	if err := c.sb.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	show(c.control("POST", "clock", map[string]string{"advance": "2h"}))
	c.sb.Flush(context.Background())
	show(c.control("POST", "clock", map[string]string{"advance": "4h"}))
	c.sb.Flush(context.Background())
	show(c.control("GET", "deliveries", nil))
	show(c.control("GET", "info", nil))
	show(c.do(c.request("GET", "/__sandbox/nope", "", "")))
	show(c.do(c.request("POST", "/__sandbox/faults", "", `{"kindx":1}`)))
	c.control("POST", "faults", map[string]any{"kind": "reset_after", "route": "POST /{ig-user}/mentions"})
	_, err := http.Post(c.withToken(c.url+"/"+account+"/mentions?media_id=17918195224117851&message=hello"), "", nil)
	fmt.Println(err)
	fmt.Println(c.sb.Requests()[len(c.sb.Requests())-1])
}
