package operations_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/operations/graph/sandbox"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// publications are inputs for each kind of post.
var publications = map[string]string{
	"publish_photo":    `{"ig_user_id":"17841405726653026","image_url":"https://cdn.example/photo.jpg","caption":"One and only"}`,
	"publish_reel":     `{"ig_user_id":"17841405726653026","video_url":"https://cdn.example/reel.mp4","caption":"One and only","share_to_feed":true,"thumb_offset":0}`,
	"publish_story":    `{"ig_user_id":"17841405726653026","image_url":"https://cdn.example/story.jpg"}`,
	"publish_carousel": `{"ig_user_id":"17841405726653026","items":[{"image_url":"https://cdn.example/1.jpg"},{"video_url":"https://cdn.example/2.mp4"},{"image_url":"https://cdn.example/3.jpg","user_tags":[{"username":"metricsaurus","x":0.5,"y":0.5}]}],"caption":"One and only"}`,
}

// posts counts what the account has published since the world began.
func (r *rig) posts(t testing.TB, op string) int {
	t.Helper()
	list, base := "list_media", 36
	if op == "publish_story" {
		list, base = "list_stories", 30
	}
	n := 0
	for _, page := range r.all(t, list, `{"ig_user_id":"17841405726653026","limit":100}`) {
		n += len(page)
	}
	return n - base
}

func TestPublish(t *testing.T) {
	t.Parallel()
	for op, input := range publications {
		t.Run(op, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, rigOptions{})
			out, progress := r.run(t, op, input, "")
			var published struct {
				ID          string `json:"id"`
				ContainerID string `json:"container_id"`
			}
			require.NoError(t, json.Unmarshal([]byte(out), &published))
			assert.Equal(t, 1, r.posts(t, op))
			assert.Contains(t, r.ok(t, "get_media", fmt.Sprintf(`{"media_id":%q}`, published.ID)), published.ID)

			require.NotEmpty(t, progress)
			for i, p := range progress {
				assert.NotEmpty(t, p.GetMessage())
				assert.NotEmpty(t, p.GetResumeToken())
				assert.GreaterOrEqual(t, p.GetFraction(), progress[max(0, i-1)].GetFraction(), "it goes forwards")
			}

			// Whoever goes on from any stage finds the post, and makes no second one.
			last := progress[len(progress)-1].GetResumeToken()
			again, _ := r.run(t, op, input, last)
			assert.JSONEq(t, out, again)
			assert.Equal(t, 1, r.posts(t, op))
			resp := r.reconcile(t, op, input, last)
			require.NotNil(t, resp.GetHappened(), "%v", resp)
			assert.JSONEq(t, out, string(resp.GetHappened().GetOutput()))
		})
	}
}

// An attempt that was cut off at any request, before or after it took effect, goes on
// with the token that it left, and the post is there once.
func TestPublish_CutOffAnywhere(t *testing.T) {
	t.Parallel()
	for op, input := range publications {
		t.Run(op, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, rigOptions{})
			for _, kind := range []string{sandbox.FaultResetBefore, sandbox.FaultResetAfter, sandbox.FaultTruncated, sandbox.FaultHTML} {
				for cut := 0; ; cut++ {
					require.NoError(t, r.Reset())
					r.Clock().Set(seedTime)
					require.NoError(t, r.AddFault(sandbox.Fault{Kind: kind, Skip: cut, Status: 502}))
					_, progress, failure := r.follow(t, op, input, "")
					r.ClearFaults()
					if failure == nil { // the cut comes after the end
						require.Greater(t, cut, 2, "hardly anything was cut off")
						break
					}
					where := fmt.Sprintf("%s at request %d: %v", kind, cut, failure)
					token := failure.GetResumeToken()
					if len(progress) > 0 {
						assert.Equal(t, progress[len(progress)-1].GetResumeToken(), token, where)
					}
					assert.Equal(t, connectorv1.FailureKind_FAILURE_KIND_UNAVAILABLE, failure.GetKind(), where)
					if failure.GetApplied() != connectorv1.Applied_APPLIED_NO {
						assert.NotEmpty(t, token, where)
					}
					out, _ := r.run(t, op, input, token)
					assert.NotEmpty(t, out, where)
					assert.Equal(t, 1, r.posts(t, op), where)
					require.Less(t, cut, 40)
				}
			}
		})
	}
}

func TestPublish_ReconcileWithoutToken(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	resp := r.reconcile(t, "publish_photo", publications["publish_photo"], "")
	require.NotNil(t, resp.GetNotHappened(), "%v", resp)
	out, _ := r.run(t, "publish_photo", publications["publish_photo"], "")
	// The sandbox's clock has gone on while the test's has not.
	resp = r.reconcileSince(t, "publish_photo", publications["publish_photo"], "", time.Now().Add(-time.Hour))
	require.NotNil(t, resp.GetHappened(), "%v", resp)
	assert.Contains(t, out, string(resp.GetHappened().GetOutput())[1:20])

	bare := `{"ig_user_id":"17841405726653026","image_url":"https://cdn.example/photo.jpg"}`
	r.run(t, "publish_photo", bare, "")
	resp = r.reconcileSince(t, "publish_photo", bare, "", time.Now().Add(-time.Hour))
	assert.NotNil(t, resp.GetFailure(), "without a caption it cannot be told: %v", resp)
}

func TestPublish_MediaThatInstagramCannotProcess(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{world: func(w *sandbox.World) {
		w.Assets = append(w.Assets, &sandbox.Asset{URL: "https://cdn.example/odd.mp4", Type: "video/mp4", Seconds: 10, Code: 352, Subcode: 2207026})
	}})
	_, _, f := r.follow(t, "publish_reel", `{"ig_user_id":"17841405726653026","video_url":"https://cdn.example/odd.mp4"}`, "")
	require.NotNil(t, f)
	assert.Equal(t, connectorv1.FailureKind_FAILURE_KIND_INVALID_INPUT, f.GetKind(), "%v", f)
	assert.Equal(t, connectorv1.Applied_APPLIED_NO, f.GetApplied())
	assert.Equal(t, "/video_url", f.GetDiagnostics()[0].GetPointer())

	_, _, f = r.follow(t, "publish_carousel", `{"ig_user_id":"17841405726653026","items":[{"image_url":"https://cdn.example/1.jpg"},{"video_url":"https://cdn.example/odd.mp4"}]}`, "")
	require.NotNil(t, f)
	assert.Equal(t, "/items/1/video_url", f.GetDiagnostics()[0].GetPointer(), "%v", f)
	_, _, f = r.follow(t, "publish_reel", `{"ig_user_id":"17841405726653026","video_url":"https://cdn.example/odd.mp4"}`, "")
	require.NotNil(t, f)

	// A good file at the same address later: the token leads to a new container.
	_, _, again := r.follow(t, "publish_reel", `{"ig_user_id":"17841405726653026","video_url":"https://cdn.example/reel.mp4"}`, f.GetResumeToken())
	assert.Nil(t, again, "%v", again)
}

func TestPublish_ContainerThatExpired(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	require.NoError(t, r.AddFault(sandbox.Fault{Kind: sandbox.FaultResetBefore, Method: "POST", Path: "/*/media_publish"}))
	_, _, f := r.follow(t, "publish_photo", publications["publish_photo"], "")
	require.NotNil(t, f)
	r.Clock().Advance(25 * time.Hour)
	out, _ := r.run(t, "publish_photo", publications["publish_photo"], f.GetResumeToken())
	assert.NotEmpty(t, out)
	assert.Equal(t, 1, r.posts(t, "publish_photo"))
}

func TestPublish_Quota(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{world: func(w *sandbox.World) { w.Limits.PublishPerDay = 1 }})
	r.run(t, "publish_photo", publications["publish_photo"], "")
	assert.JSONEq(t, `{"quota_usage":1,"quota_total":1,"quota_duration":86400,"remaining":0}`, r.ok(t, "get_publishing_limit", `{"ig_user_id":"17841405726653026"}`))
	_, _, f := r.follow(t, "publish_photo", publications["publish_photo"], "")
	require.NotNil(t, f)
	assert.Equal(t, connectorv1.FailureKind_FAILURE_KIND_RATE_LIMITED, f.GetKind())
	assert.Equal(t, "9/2207042", f.GetUpstream().GetCode())
	assert.Positive(t, f.GetRetryAfter().AsDuration())
	assert.NotEmpty(t, f.GetResumeToken(), "the container waits")
}

func TestPublish_BadToken(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	_, _, f := r.follow(t, "publish_photo", publications["publish_photo"], "nonsense")
	require.NotNil(t, f)
	assert.Equal(t, connectorv1.FailureKind_FAILURE_KIND_INVALID_INPUT, f.GetKind())
}

func TestPublish_Containers(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	var made struct{ ID string }
	require.NoError(t, json.Unmarshal([]byte(r.ok(t, "create_media_container", `{"ig_user_id":"17841405726653026","media_type":"REELS","video_url":"https://cdn.example/reel.mp4"}`)), &made))
	publish := fmt.Sprintf(`{"ig_user_id":"17841405726653026","container_id":%q}`, made.ID)
	f := r.fails(t, "publish_media_container", publish)
	assert.Equal(t, connectorv1.FailureKind_FAILURE_KIND_PRECONDITION, f.GetKind(), "%v", f)
	assert.Contains(t, r.ok(t, "get_media_container", fmt.Sprintf(`{"container_id":%q}`, made.ID)), "IN_PROGRESS")
	r.Clock().Advance(2 * time.Minute)
	r.ok(t, "publish_media_container", publish)
	assert.Contains(t, r.ok(t, "get_media_container", fmt.Sprintf(`{"container_id":%q}`, made.ID)), "PUBLISHED")
}

func TestPublish_Validation(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	tags := ""
	for i := range 31 {
		tags += fmt.Sprintf("#t%d ", i)
	}
	mentions := ""
	for i := range 21 {
		mentions += fmt.Sprintf("@m%d ", i)
	}
	const account = `"ig_user_id":"17841405726653026"`
	sixProducts := `[` + strings.Repeat(`{"product_id":"3231000000000001","x":0.5,"y":0.5},`, 5) + `{"product_id":"3231000000000001","x":0.5,"y":0.5}]`
	for _, tt := range []struct{ op, input, pointer string }{
		{"publish_photo", `{` + account + `}`, "/image_url"},
		{"publish_photo", `{` + account + `,"image_url":"ftp://x/y.jpg"}`, "/image_url"},
		{"publish_photo", `{` + account + `,"image_url":"https://cdn.example/käse.jpg"}`, "/image_url"},
		{"publish_photo", `{` + account + `,"image_url":"https://x/y.jpg","caption":"` + tags + `"}`, "/caption"},
		{"publish_photo", `{` + account + `,"image_url":"https://x/y.jpg","caption":"` + mentions + `"}`, "/caption"},
		{"publish_photo", `{` + account + `,"image_url":"https://x/y.jpg","user_tags":[{"username":"a"}]}`, "/user_tags/0"},
		{"publish_photo", `{` + account + `,"image_url":"https://x/y.jpg","user_tags":[{"username":"a","x":2,"y":0}]}`, "/user_tags/0/x"},
		{"publish_photo", `{` + account + `,"image_url":"https://x/y.jpg","collaborators":["a","b","c","d"]}`, "/collaborators"},
		{"publish_story", `{` + account + `}`, "/image_url"},
		{"publish_story", `{` + account + `,"image_url":"https://x/y.jpg","video_url":"https://x/y.mp4"}`, "/image_url"},
		{"publish_carousel", `{` + account + `,"items":[{"image_url":"https://x/y.jpg"}]}`, "/items"},
		{"publish_carousel", `{` + account + `,"items":[{"image_url":"https://x/y.jpg"},{}]}`, "/items/1"},
		{"create_media_container", `{` + account + `,"media_type":"REELS","image_url":"https://x/y.jpg"}`, "/video_url"},
		{"create_media_container", `{` + account + `,"media_type":"VIDEO","video_url":"https://x/y.mp4"}`, "/media_type"},
		{"create_media_container", `{` + account + `,"media_type":"CAROUSEL"}`, "/children"},
		{"create_media_container", `{` + account + `,"image_url":"https://x/y.jpg","is_carousel_item":true,"caption":"x"}`, "/caption"},
		{"create_media_container", `{` + account + `,"image_url":"https://x/y.jpg","audio_name":"x"}`, "/audio_name"},
		{"publish_photo", `{` + account + `,"image_url":"https://x/y.jpg","product_tags":` + sixProducts + `}`, "/product_tags"},
		{"create_media_container", `{` + account + `,"image_url":"https://x/y.jpg","product_tags":` + sixProducts + `}`, "/product_tags"},
	} {
		f := r.fails(t, tt.op, tt.input)
		assert.Equal(t, connectorv1.FailureKind_FAILURE_KIND_INVALID_INPUT, f.GetKind(), tt.input)
		assert.True(t, slices.ContainsFunc(f.GetDiagnostics(), func(d *connectorv1.Diagnostic) bool { return d.GetPointer() == tt.pointer }), "%s: %v", tt.input, f.GetDiagnostics())
	}
	assert.Zero(t, r.Count("POST /{ig-user}/media"), "nothing was sent")

	for _, tt := range []struct {
		op, input string
		unknown   []string
	}{
		// What is not known yet at design time is not complained about.
		{"publish_story", `{` + account + `,"image_url":"$.steps.x"}`, []string{"/image_url"}},
		{"create_media_container", `{` + account + `,"media_type":"$.steps.x","product_tags":` + sixProducts + `}`, []string{"/media_type"}},
		{"create_media_container", `{` + account + `,"media_type":"REELS","video_url":"https://x/y.mp4","product_tags":` + sixProducts + `}`, nil},
	} {
		resp, err := connectorv1.NewOperationServiceClient(r.conn).Validate(t.Context(), &connectorv1.ValidateRequest{
			Target: &connectorv1.ValidateRequest_Operation{Operation: tt.op}, Input: []byte(tt.input), Unknown: tt.unknown,
		})
		require.NoError(t, err)
		assert.Empty(t, resp.GetDiagnostics(), tt.input)
	}
}
