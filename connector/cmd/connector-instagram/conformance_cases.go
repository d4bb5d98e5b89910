package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/storyloop/storyloop/connector"
	"github.com/storyloop/storyloop/connector/conformance"
	"github.com/storyloop/storyloop/operations/graph/sandbox"
)

// operations returns the cases of all operations. The examples of the schemas are
// run by themselves; a case is another input of the same operation, and where the
// operation takes Instagram Login, it is made with both logins.
func (w *world) operations(spec connector.Spec) map[string]conformance.Operation {
	all := map[string]conformance.Operation{}
	for _, op := range spec.Operations {
		input, ok := inputs[op.Name]
		if !ok {
			continue // The kit says that there is no case.
		}
		made := w.made(op.Name)
		c := conformance.Operation{Cases: []conformance.Case{{Name: "Facebook Login", Input: json.RawMessage(input), Prepare: made}}}
		if made != nil {
			c.NoExample = "a container is made before it is looked at or published, and Instagram makes its id"
		}
		if len(op.AuthMethods) == 0 {
			c.Cases = append(c.Cases, conformance.Case{
				Name: "Instagram Login", Input: json.RawMessage(input), Prepare: made, Credential: w.instagram,
			})
		}
		all[op.Name] = c
	}
	return all
}

// made returns what makes the container that an operation is about, if it is about
// one.
func (w *world) made(operation string) func() json.RawMessage {
	if operation != "get_media_container" && operation != "publish_media_container" {
		return nil
	}
	return func() json.RawMessage {
		input := map[string]string{"container_id": w.container("image_url=https://cdn.example/photo.jpg&caption=Morning")}
		if operation == "publish_media_container" {
			input["ig_user_id"] = sandbox.SeedAccountID
		}
		return encoded(input)
	}
}

// container hands a medium in and returns the container's id.
func (w *world) container(params string) string {
	return w.as(w.info.Accounts[0].UserToken, "POST", sandbox.SeedAccountID+"/media?"+params)
}

// as does a request as Meta's own apps would, past the connector, and returns the id
// in the answer.
func (w *world) as(token, method, path string) (id string) {
	if method != "GET" {
		w.changed.Store(true)
	}
	path, query, _ := strings.Cut(path, "?")
	r, err := http.NewRequest(method, "/v25.0/"+path+"?"+query+"&access_token="+url.QueryEscape(token), http.NoBody)
	must(err)
	rec := &recorder{code: http.StatusOK, header: http.Header{}}
	w.Sandbox.ServeHTTP(rec, r)
	if rec.code != http.StatusOK {
		panic(fmt.Errorf("%s %s: the sandbox answered %d: %s", method, path, rec.code, rec.body.String()))
	}
	var answer struct {
		ID string `json:"id"`
	}
	must(json.Unmarshal(rec.body.Bytes(), &answer))
	return answer.ID
}

// recorder keeps an answer of the sandbox.
type recorder struct {
	code   int
	header http.Header
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header            { return r.header }
func (r *recorder) WriteHeader(code int)           { r.code = code }
func (r *recorder) Write(text []byte) (int, error) { return r.body.Write(text) }

// inputs are good ones, by operation. Lists are asked for in small pages.
var inputs = map[string]string{
	"list_pages":                `{"limit":1}`,
	"get_profile":               `{"ig_user_id":"17841405726653026","fields":["id","username","followers_count"]}`,
	"get_business_profile":      `{"ig_user_id":"17841405726653026","username":"natgeo_sandbox","limit":2}`,
	"get_publishing_limit":      `{"ig_user_id":"17841405726653026"}`,
	"get_account_insights":      `{"ig_user_id":"17841405726653026","metrics":["accounts_engaged"],"period":"day"}`,
	"get_audience_demographics": `{"ig_user_id":"17841405726653026","audience":"engaged_audience_demographics","breakdown":"age","timeframe":"this_month"}`,

	"list_media":           `{"ig_user_id":"17841405726653026","limit":5}`,
	"get_media":            `{"media_id":"17900001000000002"}`,
	"list_media_children":  `{"media_id":"17900001000000003","fields":["id","media_type"]}`,
	"list_stories":         `{"ig_user_id":"17841405726653026","limit":4}`,
	"get_story":            `{"story_id":"18023000000000002"}`,
	"list_live_media":      `{"ig_user_id":"17841405726653026","limit":1}`,
	"list_tagged_media":    `{"ig_user_id":"17841405726653026","limit":2}`,
	"get_media_insights":   `{"media_id":"17900001000000002"}`,
	"get_story_insights":   `{"story_id":"18023000000000002"}`,
	"delete_media":         `{"media_id":"17900001000000010"}`,
	"set_comments_enabled": `{"media_id":"17900001000000008","enabled":true}`,

	"publish_photo":               `{"ig_user_id":"17841405726653026","image_url":"https://cdn.example/b.jpg","caption":"Beans","user_tags":[{"username":"jane_doe","x":0.5,"y":0.5}]}`,
	"publish_reel":                `{"ig_user_id":"17841405726653026","video_url":"https://cdn.example/b.mp4","caption":"Steam","cover_url":"https://cdn.example/b.jpg"}`,
	"publish_carousel":            `{"ig_user_id":"17841405726653026","items":[{"image_url":"https://cdn.example/b.jpg"},{"image_url":"https://cdn.example/c.jpg"}],"caption":"Two"}`,
	"publish_story":               `{"ig_user_id":"17841405726653026","video_url":"https://cdn.example/b.mp4"}`,
	"create_media_container":      `{"ig_user_id":"17841405726653026","media_type":"REELS","video_url":"https://cdn.example/b.mp4"}`,
	"get_media_container":         ``,
	"publish_media_container":     ``,
	"list_collaboration_invites":  `{"ig_user_id":"17841405726653026","limit":1}`,
	"answer_collaboration_invite": `{"ig_user_id":"17841405726653026","media_id":"17900004000000003","accept":false}`,

	"list_comments":            `{"media_id":"17900001000000001","limit":20}`,
	"get_comment":              `{"comment_id":"17800000000002007"}`,
	"list_comment_replies":     `{"comment_id":"17800000000002007","limit":1}`,
	"create_comment":           `{"media_id":"17900001000000002","message":"From us to you"}`,
	"reply_to_comment":         `{"comment_id":"17800000000002007","message":"Any time"}`,
	"set_comment_hidden":       `{"comment_id":"17800000000002007","hidden":true}`,
	"delete_comment":           `{"comment_id":"17800000000003007"}`,
	"list_unanswered_comments": `{"media_id":"17900001000000001","limit":20}`,
	"get_mentioned_comment":    `{"ig_user_id":"17841405726653026","comment_id":"17894227972186120","fields":["id","text"]}`,
	"get_mentioned_media":      `{"ig_user_id":"17841405726653026","media_id":"17918195224117851","fields":["id","caption"]}`,
	"reply_to_mention":         `{"ig_user_id":"17841405726653026","media_id":"17918195224117851","message":"There is!"}`,

	"search_hashtag":            `{"ig_user_id":"17841405726653026","hashtag":"coffee"}`,
	"get_hashtag":               `{"hashtag_id":"17841593700000004"}`,
	"list_hashtag_top_media":    `{"ig_user_id":"17841405726653026","hashtag_id":"17841593700000004","limit":20}`,
	"list_hashtag_recent_media": `{"ig_user_id":"17841405726653026","hashtag_id":"17841593700000004","limit":20}`,
	"list_searched_hashtags":    `{"ig_user_id":"17841405726653026"}`,

	"send_text_message":     `{"ig_user_id":"17841405726653026","igsid":"7700000000000002","text":"Here you are."}`,
	"send_media_message":    `{"ig_user_id":"17841405726653026","igsid":"7700000000000002","type":"video","url":"https://cdn.example/b.mp4"}`,
	"send_sticker":          `{"ig_user_id":"17841405726653026","igsid":"7700000000000002"}`,
	"share_media":           `{"ig_user_id":"17841405726653026","igsid":"7700000000000002","media_id":"17900001000000003"}`,
	"send_generic_template": `{"ig_user_id":"17841405726653026","igsid":"7700000000000002","elements":[{"title":"Cups","buttons":[{"type":"postback","title":"More","payload":"MORE"}]}]}`,
	"send_button_template":  `{"ig_user_id":"17841405726653026","igsid":"7700000000000002","text":"More?","buttons":[{"type":"web_url","title":"Shop","url":"https://shop.example/"}]}`,
	"send_product_template": `{"ig_user_id":"17841405726653026","igsid":"7700000000000002","product_ids":["3231000000000002"]}`,
	"send_private_reply":    `{"ig_user_id":"17841405726653026","comment_id":"17800000000003007","text":"It is on its way."}`,
	"set_message_reaction":  `{"ig_user_id":"17841405726653026","igsid":"7700000000000001","message_id":"` + newestMessage + `","action":"unreact"}`,
	"set_sender_action":     `{"ig_user_id":"17841405726653026","igsid":"7700000000000002","action":"mark_seen"}`,
	"upload_attachment":     `{"ig_user_id":"17841405726653026","type":"video","url":"https://cdn.example/b.mp4"}`,

	"list_conversations":     `{"ig_user_id":"17841405726653026","limit":3}`,
	"list_messages":          `{"ig_user_id":"17841405726653026","conversation_id":"` + longestThread + `","limit":8}`,
	"get_message":            `{"ig_user_id":"17841405726653026","message_id":"` + newestMessage + `"}`,
	"get_sender_profile":     `{"ig_user_id":"17841405726653026","igsid":"7700000000000002"}`,
	"get_messaging_window":   `{"ig_user_id":"17841405726653026","igsid":"7700000000000004"}`,
	"moderate_conversation":  `{"ig_user_id":"17841405726653026","igsids":["7700000000000004"],"action":"BLOCK_USER"}`,
	"pass_thread_control":    `{"ig_user_id":"17841405726653026","igsid":"7700000000000002","target_app_id":"263902037430900"}`,
	"take_thread_control":    `{"ig_user_id":"17841405726653026","igsid":"7700000000000002"}`,
	"release_thread_control": `{"ig_user_id":"17841405726653026","igsid":"7700000000000002"}`,
	"get_thread_owner":       `{"ig_user_id":"17841405726653026","igsid":"7700000000000002"}`,

	"get_messenger_profile":  `{"ig_user_id":"17841405726653026"}`,
	"set_ice_breakers":       `{"ig_user_id":"17841405726653026","ice_breakers":[{"question":"Are you open?","payload":"OPEN"}]}`,
	"delete_ice_breakers":    `{"ig_user_id":"17841405726653026"}`,
	"set_persistent_menu":    `{"ig_user_id":"17841405726653026","items":[{"type":"postback","title":"Help","payload":"HELP"}]}`,
	"delete_persistent_menu": `{"ig_user_id":"17841405726653026"}`,

	"list_catalogs":              `{"ig_user_id":"17841405726653026"}`,
	"search_catalog_products":    `{"ig_user_id":"17841405726653026","catalog_id":"960000000000001","limit":2}`,
	"get_product_tags":           `{"media_id":"17900001000000004"}`,
	"set_product_tags":           `{"media_id":"17900001000000004","tags":[{"product_id":"3231000000000003","x":0.5,"y":0.5}]}`,
	"raw_http_request":           `{"method":"POST","endpoint":"/17900001000000001","body":{"form":[{"name":"comment_enabled","value":"false"}]}}`,
	"inspect_token":              `{}`,
	"list_webhook_subscriptions": `{"ig_user_id":"17841405726653026"}`,
}

// Ids of the seed world's first conversation.
const (
	longestThread = "aWdfdGhyZAWFkOjE6MTc4NDE0MDU3MjY2NTMwMjY6MzQwMjgyMzY2ODQxNzEwMzAxMDEyMDg2Mjg4MjE1MTA4MzI2NDYx"
	newestMessage = "aWdfZAG1faXRlbToxOklHTWVzc2FnZAUlEOjE3ODQxNDA1NzI2NjUzMDI2OjM0MDI4MjM2Njg0MTcxMDMwMTAxMjA4NjI4ODIxNTEwODMyNjQ2MTozMTAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAyNwZDZD"
)
