package sandbox_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/operations/graph/sandbox"
)

const form = "application/x-www-form-urlencoded"

// TestClientQuirks holds what real clients put on the wire.
func TestClientQuirks(t *testing.T) {
	t.Parallel()
	for _, quirk := range []struct {
		name  string
		check func(*testing.T, *client)
	}{
		{"1 empty version", quirkEmptyVersion},
		{"2 unversioned paths, batch and ids without a slash", quirkUnversioned},
		{"3 any version is served and answered", quirkVersions},
		{"4 the token anywhere, the query wins", quirkToken},
		{"5 parameters anywhere", quirkParams},
		{"6 GET with a JSON body", quirkGetBody},
		{"7 ways to delete", quirkDelete},
		{"8 ways to write lists", quirkLists},
		{"9 superfluous parameters", quirkSuperfluous},
		{"10 proofs of the app secret", quirkProof},
		{"11 repeated proofs while paging", quirkRepeatedProof},
		{"12 debug_token with another token's proof", quirkDebugProof},
		{"13 batch", quirkBatch},
		{"14 errors and usage headers", quirkErrors},
		{"15 subscriptions", quirkSubscriptions},
		{"16 messenger profile", quirkMessengerProfile},
		{"17 OAuth", quirkOAuth},
	} {
		t.Run(quirk.name, func(t *testing.T) {
			t.Parallel()
			quirk.check(t, newClient(t))
		})
	}
}

func quirkEmptyVersion(t *testing.T, c *client) {
	c.http = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	r := c.get("///me/accounts?fields=name")
	assert.Contains(t, r.ok(), "Blue Bottle Coffee")
}

func quirkUnversioned(t *testing.T, c *client) {
	c.get("/me").ok()
	token := url.QueryEscape(c.info.Accounts[0].UserToken)
	r := c.do(c.request(http.MethodPost, "/v24.0?access_token="+token, form, url.Values{"batch": {`[{"method":"GET","relative_url":"me"}]`}}.Encode()))
	assert.Contains(t, r.ok(), `"code":200`)
	assert.JSONEq(t, `{"17841405726653026":{"username":"bluebottle","id":"17841405726653026"},"17900001000000001":{"username":"bluebottle","id":"17900001000000001"}}`,
		c.get("/v24.0/?ids=17841405726653026,17900001000000001&fields=username").ok())
	c.get("/v24.0/?ids=17841405726653026,1&fields=username").fails(100, 33)
}

func quirkVersions(t *testing.T, c *client) {
	for _, version := range []string{"v2.6", "v8.0", "v11.0", "v15.0", "v17.0", "v23.0", "v24.0", "v25.0", "v26.0"} {
		r := c.get("/" + version + "/me")
		r.ok()
		assert.Equal(t, version, r.header.Get("Facebook-Api-Version"))
	}
	assert.Equal(t, "v25.0", c.get("/me").header.Get("Facebook-Api-Version"))
	c.get("/v3.2/me").fails(2635, 0)
}

func quirkToken(t *testing.T, c *client) {
	user, page := c.info.Accounts[0].UserToken, c.info.Accounts[0].PageToken
	me := func(r *http.Request) string { return c.do(r).ok() }
	assert.Contains(t, me(c.request(http.MethodGet, "/me?access_token="+user, "", "")), "Maya")
	r := c.request(http.MethodGet, "/me", "", "")
	r.Header.Set("Authorization", "Bearer "+user)
	assert.Contains(t, me(r), "Maya")
	r = c.request(http.MethodGet, "/me?access_token="+page, "", "")
	r.Header.Set("Authorization", "Bearer "+user)
	assert.Contains(t, me(r), "Blue Bottle")
	path := "/" + account + "/mentions"
	body := `{"access_token":"` + user + `","media_id":"17918195224117851","message":"hi"}`
	assert.Contains(t, me(c.request(http.MethodPost, path, "application/json", body)), "id")
	assert.Contains(t, me(c.request(http.MethodPost, path, form, "media_id=17918195224117851&message=hi&access_token="+user)), "id")
}

func quirkParams(t *testing.T, c *client) {
	path := "/" + account + "/mentions"
	values := url.Values{"media_id": {sandbox.SeedMentionMediaID}, "message": {"Hé!"}, "access_token": {c.info.Accounts[0].UserToken}}
	asJSON, err := json.Marshal(map[string]string{"media_id": values.Get("media_id"), "message": "Hé!", "access_token": values.Get("access_token")})
	require.NoError(t, err)
	var multi bytes.Buffer
	w := multipart.NewWriter(&multi)
	for key := range values {
		require.NoError(t, w.WriteField(key, values.Get(key)))
	}
	require.NoError(t, w.Close())
	for _, r := range []*http.Request{
		c.request(http.MethodPost, path+"?"+values.Encode(), "", ""),
		c.request(http.MethodPost, path, "application/json", string(asJSON)),
		c.request(http.MethodPost, path, form, values.Encode()),
		c.request(http.MethodPost, path, "", values.Encode()),
		c.request(http.MethodPost, path, w.FormDataContentType(), multi.String()),
	} {
		c.do(r).ok()
		requests := c.sb.Requests()
		assert.Equal(t, "Hé!", requests[len(requests)-1].Params["message"])
	}
	jane := c.sb.Igsid("bluebottle", "jane_doe")
	query := url.Values{"recipient": {`{"id":"` + jane + `"}`}, "message": {`{"text":"hi"}`}, "access_token": {c.info.Accounts[0].PageToken}}
	assert.Contains(t, c.do(c.request(http.MethodPost, "/me/messages?"+query.Encode(), "", "")).ok(), jane)
	batch, err := json.Marshal([]map[string]string{{"method": "POST", "relative_url": "me/messages", "body": query.Encode()}})
	require.NoError(t, err)
	assert.Contains(t, c.post("/", url.Values{"batch": {string(batch)}}).ok(), jane)
}

func quirkGetBody(t *testing.T, c *client) {
	assert.Contains(t, c.do(c.request(http.MethodGet, c.withToken("/me"), "application/json", "{}")).ok(), "Maya")
}

func quirkDelete(t *testing.T, c *client) {
	const a, b, d = "17800000000001007", "17800000000002007", "17800000000003007"
	assert.JSONEq(t, `{"success":true}`, c.delete("/"+a+"?id="+a).ok())
	assert.JSONEq(t, `{"success":true}`, c.do(c.request(http.MethodDelete, c.withToken("/"+b), "application/json", `{"object":"instagram"}`)).ok())
	assert.JSONEq(t, `{"success":true}`, c.post("/"+d, url.Values{"method": {"DELETE"}}).ok())
	for _, id := range []string{a, b, d} {
		c.get("/"+id).fails(100, 33)
	}
	assert.Equal(t, 3, c.sb.Count("DELETE /{comment}"))
}

func quirkLists(t *testing.T, c *client) {
	path := "/17900001000000001/insights?metric="
	want := c.get(path + "reach,saved").ok()
	assert.Equal(t, want, c.get(path+url.QueryEscape(`["reach","saved"]`)).ok())
	fields := "/17800000000001007?fields="
	want = c.get(fields + url.QueryEscape("id,text,media{id,media_type}")).ok()
	assert.Equal(t, want, c.get(fields+"id,text,media{id,media_type}").ok())
	assert.Contains(t, want, `"media":{"id":"17900001000000001","media_type":"IMAGE"}`)
}

func quirkSuperfluous(t *testing.T, c *client) {
	values := url.Values{"id": {account}, "media_id": {sandbox.SeedMentionMediaID}, "message": {"hi"}, "format": {"json"}, "include_headers": {"false"}}
	c.post("/"+account+"/mentions", values).ok()
}

func proof(secret, text string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(text))
	return hex.EncodeToString(mac.Sum(nil))
}

func quirkProof(t *testing.T, c *client) {
	token := c.info.Accounts[0].UserToken
	assert.Equal(t, proof(c.info.AppSecret, token), sandbox.Proof(c.info.AppSecret, token))
	c.get("/me?appsecret_proof=" + proof(c.info.AppSecret, token)).ok()
	c.get("/me?appsecret_time=1700000000&appsecret_proof=" + proof(c.info.AppSecret, token+"|1700000000")).ok()
	c.get("/me?appsecret_proof="+proof("another", token)).fails(100, 0)
	c.get("/me?appsecret_proof="+proof(c.info.InstagramAppSecret, token)).fails(100, 0)
	ig := c.info.Accounts[0].InstagramToken
	c.get("/graph.instagram.com/me?appsecret_proof=" + proof(c.info.InstagramAppSecret, ig)).ok()
}

func quirkRepeatedProof(t *testing.T, c *client) {
	p := "&appsecret_proof=" + proof(c.info.AppSecret, c.info.Accounts[0].UserToken)
	next := "/" + account + "/stories?limit=10" + p
	for range 3 {
		var got page
		c.get(next).into(&got)
		assert.Len(t, got.Data, 10)
		assert.NotContains(t, got.Paging.Next, "appsecret_proof")
		next = got.Paging.Next + p + p
	}
	c.get("/me?x=1"+p+"&appsecret_proof=00").fails(100, 0)
}

func quirkDebugProof(t *testing.T, c *client) {
	token := c.info.Accounts[0].UserToken
	r := c.get("/debug_token?input_token=" + token + "&access_token=" + url.QueryEscape(c.info.AppToken) + "&appsecret_proof=" + proof(c.info.AppSecret, token))
	assert.Contains(t, r.ok(), `"is_valid":true`)
}

func quirkBatch(t *testing.T, c *client) {
	require.NoError(t, c.sb.AddFault(sandbox.Fault{Kind: sandbox.FaultHang, Path: "/" + account + "/tags"}))
	batch := `[{"method":"get","relative_url":"v25.0/me?fields=id"},{"method":"GET","relative_url":"nobody"},
		{"method":"GET","relative_url":"` + account + `/tags"},{"method":"POST","relative_url":"` + account + `/mentions","body":"media_id=17918195224117851&message=a%20b"},
		{"method":"GET","relative_url":"` + account + `/media?limit=1","name":"first","omit_response_on_success":false},
		{"method":"GET","relative_url":"?ids={result=first:$.data.*.id}"}]`
	type item struct {
		Code    int `json:"code"`
		Headers []struct{ Name, Value string }
		Body    string `json:"body"`
	}
	read := func(r reply) (items []*item) {
		r.into(&items)
		return items
	}
	items := read(c.do(c.request(http.MethodPost, c.withToken("/v24.0/"), "application/json", `{"batch":`+batch+`}`)))
	require.Len(t, items, 6)
	assert.JSONEq(t, `{"id":"10100000000000001"}`, items[0].Body)
	names := []string{}
	versions := []string{}
	for _, item := range []*item{items[0], items[1]} { // the first names a version, the second has that of the batch
		for _, h := range item.Headers {
			names = append(names, h.Name)
			if h.Name == "Facebook-API-Version" {
				versions = append(versions, h.Value)
			}
		}
	}
	assert.Contains(t, names, "ETag")
	assert.Equal(t, []string{"v25.0", "v24.0"}, versions)
	assert.Equal(t, 400, items[1].Code)
	assert.Contains(t, items[1].Body, `"error_subcode":33`)
	assert.Nil(t, items[2])
	assert.Equal(t, 200, items[3].Code)
	assert.Contains(t, items[5].Body, "17900001000000001")

	items = read(c.post("/", url.Values{"batch": {`[{"method":"GET","relative_url":"me"}]`}, "include_headers": {"false"}}))
	assert.Empty(t, items[0].Headers)
	many := "[" + strings.Repeat(`{"method":"GET","relative_url":"me"},`, 50) + `{"method":"GET","relative_url":"me"}]`
	r := c.post("/", url.Values{"batch": {many}})
	assert.Equal(t, 400, r.status)
	assert.Contains(t, r.text, `"error":3`)
	assert.Equal(t, 3, c.sb.Count("POST /batch"))
	assert.Equal(t, 1, c.sb.Count("POST /{ig-user}/mentions"))
}

func quirkErrors(t *testing.T, c *client) {
	r := c.get("/" + account + "?fields=nope")
	assert.Equal(t, "(#100) Tried accessing nonexisting field (nope) on node type (IGUser)", r.fails(100, 0))
	assert.Equal(t, "application/json; charset=UTF-8", r.header.Get("Content-Type"))
	assert.Contains(t, r.header.Get("Www-Authenticate"), `OAuth "Facebook Platform" "invalid_request"`)
	assert.Contains(t, r.text, r.header.Get("X-Fb-Trace-Id"))
	c.sb.SetLimits(sandbox.Limits{AppPerHour: 10, AccountPerDay: 10})
	assert.JSONEq(t, `{"call_count":10,"total_time":5,"total_cputime":5}`, c.get("/me").header.Get("X-App-Usage"))
	assert.JSONEq(t, `{"17841405726653026":[{"type":"instagram","call_count":10,"total_cputime":5,"total_time":5,"estimated_time_to_regain_access":0}]}`,
		c.get("/"+account).header.Get("X-Business-Use-Case-Usage"))
}

func quirkSubscriptions(t *testing.T, c *client) {
	hook := newHook(t, c)
	pageToken := c.info.Accounts[0].PageToken
	r := c.do(c.request(http.MethodPost, "/"+sandbox.SeedPageID+"/subscribed_apps?subscribed_fields=feed&access_token="+pageToken, "", ""))
	assert.JSONEq(t, `{"success":true}`, r.ok())
	app := "/900000000000001/subscriptions?access_token=" + url.QueryEscape(c.info.AppToken)
	for _, fields := range []string{`["comments","mentions"]`, "comments,mentions"} {
		values := url.Values{"object": {"instagram"}, "callback_url": {hook.URL}, "verify_token": {"v"}, "fields": {fields}}
		assert.JSONEq(t, `{"success":true}`, c.post(app, values).ok())
		assert.JSONEq(t, `{"data":[{"object":"instagram","callback_url":"`+hook.URL+`","active":true,"status":"active",
			"fields":[{"name":"comments","version":"v25.0"},{"name":"mentions","version":"v25.0"}]}]}`, c.get(app).ok())
		assert.JSONEq(t, `{"success":true}`, c.do(c.request(http.MethodDelete, app, "application/json", `{"object":"instagram"}`)).ok())
		assert.JSONEq(t, `{"data":[]}`, c.get(app).ok())
	}
	hook.verify = "another"
	c.post(app, url.Values{"object": {"instagram"}, "callback_url": {hook.URL}, "verify_token": {"v"}, "fields": {"comments"}}).fails(2200, 1349108)
	c.get("/900000000000001/subscriptions").fails(15, 0)
}

func quirkMessengerProfile(t *testing.T, c *client) {
	path := "/me/messenger_profile?access_token=" + c.info.Accounts[0].PageToken
	flat := `{"platform":"instagram","ice_breakers":[{"question":"Open?","payload":"HOURS"}]}`
	assert.JSONEq(t, `{"result":"success"}`, c.do(c.request(http.MethodPost, path, "application/json", flat)).ok())
	assert.JSONEq(t, `{"data":[{"call_to_actions":[{"question":"Open?","payload":"HOURS"}],"locale":"default"}]}`,
		c.get(path+"&platform=instagram&fields=ice_breakers").ok())
	menu := `{"platform":"instagram","persistent_menu":[{"locale":"default","call_to_actions":[{"type":"web_url","title":"Shop","url":"https://shop.example/"}]}]}`
	c.do(c.request(http.MethodPost, path, "application/json", menu)).ok()
	assert.Contains(t, c.get(path+"&platform=instagram&fields=ice_breakers,persistent_menu").ok(), `"persistent_menu":[{"locale":"default"`)
	c.do(c.request(http.MethodDelete, path+"&platform=instagram", "application/json", `{"fields":["ice_breakers"]}`)).ok()
	assert.JSONEq(t, `{"data":[]}`, c.get(path+"&platform=instagram&fields=ice_breakers").ok())
}

func quirkOAuth(t *testing.T, c *client) {
	const redirect = "http://127.0.0.1:1/back"
	dialog := url.Values{"client_id": {c.info.AppID}, "redirect_uri": {redirect}, "response_type": {"code"}, "state": {"xyz"}, "scope": {"instagram_basic,pages_show_list"}}
	for _, byPost := range []bool{true, false} {
		back := c.dialog("/www.facebook.com/v3.2/dialog/oauth", dialog, url.Values{"decision": {"continue"}, "share": {sandbox.SeedPageID}})
		assert.Equal(t, "xyz", back.Query().Get("state"))
		values := url.Values{"client_id": {c.info.AppID}, "client_secret": {c.info.AppSecret}, "redirect_uri": {redirect}, "code": {back.Query().Get("code")}}
		r := c.request(http.MethodGet, "/v3.2/oauth/access_token?"+values.Encode(), "", "")
		if byPost {
			values.Set("grant_type", "authorization_code")
			r = c.request(http.MethodPost, "/v3.2/oauth/access_token", form, values.Encode())
		}
		assert.Contains(t, c.do(r).ok(), `"token_type":"bearer"`)
	}
	back := c.dialog("/www.facebook.com/dialog/oauth", dialog, url.Values{"decision": {"cancel"}})
	assert.Equal(t, "access_denied", back.Query().Get("error"))
	assert.Equal(t, "user_denied", back.Query().Get("error_reason"))
	assert.NotEmpty(t, back.Query().Get("error_description"))
}

// dialog opens a login dialog, sends its form and returns where the browser is sent.
func (c *client) dialog(path string, query, choice url.Values) *url.URL {
	c.Helper()
	page := c.do(c.request(http.MethodGet, path+"?"+query.Encode(), "", ""))
	require.Contains(c, page.ok(), "Continue")
	stay := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := stay.Do(c.request(http.MethodPost, path+"?"+query.Encode(), form, choice.Encode()))
	require.NoError(c, err)
	defer resp.Body.Close()
	require.Equal(c, http.StatusFound, resp.StatusCode)
	u, err := url.Parse(resp.Header.Get("Location"))
	require.NoError(c, err)
	return u
}

// A hook is an app's callback.
type hook struct {
	*httptest.Server
	verify string
	status int
	got    []delivery
}

type delivery struct {
	header http.Header
	body   string
}

// newHook serves a callback. It is only read after Flush, when nothing writes any more.
func newHook(t *testing.T, c *client) *hook {
	t.Helper()
	h := &hook{verify: "v", status: http.StatusOK}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			q := r.URL.Query()
			if q.Get("hub.mode") != "subscribe" || q.Get("hub.verify_token") != h.verify {
				w.WriteHeader(http.StatusForbidden)
				return
			}
			_, _ = io.WriteString(w, q.Get("hub.challenge"))
			return
		}
		body, _ := io.ReadAll(r.Body)
		h.got = append(h.got, delivery{r.Header, string(body)})
		w.WriteHeader(h.status)
	}))
	t.Cleanup(h.Close)
	return h
}

// flush waits for deliveries and returns those since the last flush.
func (h *hook) flush(c *client) []delivery {
	c.Helper()
	require.NoError(c, c.sb.Flush(context.Background()))
	got := h.got
	h.got = nil
	return got
}
