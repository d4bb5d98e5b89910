package operations_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/operations/graph/sandbox"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// options lists choices, by value and label.
func (r *rig) options(t testing.TB, c *connectorv1.Credential, list, input, search, token string) ([]string, string) {
	t.Helper()
	resp, err := connectorv1.NewOperationServiceClient(r.conn).ListOptions(t.Context(), &connectorv1.ListOptionsRequest{
		Call: &connectorv1.Call{Id: "c1", Credential: c}, List: list, Input: []byte(input), Search: search, PageToken: token,
	})
	require.NoError(t, err)
	require.Nil(t, resp.GetFailure(), "%v", resp.GetFailure())
	out := []string{}
	for _, o := range resp.GetPage().GetOptions() {
		out = append(out, string(o.GetValue())+" "+o.GetLabel())
		assert.NotContains(t, o.String(), "EAAB", "a token is no choice")
	}
	return out, resp.GetPage().GetNextPageToken()
}

func TestOptions_PagesAndTheirAccounts(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	got, next := r.options(t, r.facebook, "pages", `{}`, "", "")
	assert.Equal(t, []string{`"134895793791914" Blue Bottle Coffee`, `"100200300400501" Original Coast Clothing`, `"100200300400502" A Page Without Instagram`}, got)
	assert.Empty(t, next)

	got, _ = r.options(t, r.facebook, "pages", ``, " COAST ", "")
	assert.Equal(t, []string{`"100200300400501" Original Coast Clothing`}, got)
	got, _ = r.options(t, r.facebook, "pages", ``, "bluebottle", "")
	assert.Len(t, got, 1, "the linked account's name is searched too")

	got, _ = r.options(t, r.facebook, "ig_users", `{"page_id":"134895793791914"}`, "", "")
	assert.Equal(t, []string{`"17841405726653026" Blue Bottle Coffee (@bluebottle)`}, got)
	got, _ = r.options(t, r.facebook, "ig_users", `{"page_id":"100200300400502"}`, "", "")
	assert.Empty(t, got)
	got, _ = r.options(t, r.facebook, "ig_users", `{"page_id":17}`, "", "")
	assert.Len(t, got, 2, "an input that is being typed is no error")
	got, _ = r.options(t, r.instagram, "ig_users", ``, "", "")
	assert.Equal(t, []string{`"17841405726653026" @bluebottle`}, got)
	got, _ = r.options(t, r.instagram, "pages", ``, "", "")
	assert.Empty(t, got, "Instagram Login has no Pages")
}

func TestOptions_ManyPages(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{world: func(w *sandbox.World) {
		for i := range 120 {
			id := fmt.Sprintf("20020030040%04d", i)
			w.Pages = append(w.Pages, &sandbox.Page{ID: id, Name: fmt.Sprintf("Branch %d", i), Tasks: []string{"MANAGE"}})
			w.Users[0].Pages = append(w.Users[0].Pages, id)
		}
	}})
	seen, token := 0, ""
	for {
		got, next := r.options(t, r.facebook, "pages", `{}`, "", token)
		seen += len(got)
		if token = next; token == "" {
			break
		}
	}
	assert.Equal(t, 123, seen)
	got, _ := r.options(t, r.facebook, "pages", `{}`, "Branch 119", "")
	assert.Len(t, got, 1, "a search goes on to the page with a match")
	assert.Len(t, r.all(t, "list_pages", `{"limit":50}`), 3)
}

func TestOptions_OfAnAccount(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	searched(t, r)
	const account = `{"page_id":"134895793791914","ig_user_id":"17841405726653026","media_id":"17900001000000001"}`
	for list, want := range map[string]string{
		"media":             `"17900001000000001" Cup number 1`,
		"stories":           `"18023000000000001" Story 1 of the day`,
		"comments":          `"17800000000060007" Comment 60`,
		"conversations":     ` @`,
		"hashtags_searched": `"17841593700000004" #coke`,
		"catalogs":          `"960000000000001" Blue Bottle Shop`,
		"insight_metrics":   `"reach" reach`,
	} {
		got, _ := r.options(t, r.facebook, list, account, "", "")
		if assert.NotEmpty(t, got, list) {
			assert.Contains(t, got[0], want)
		}
	}
	for _, list := range []string{"media", "stories", "conversations", "catalogs", "insight_metrics"} {
		got, _ := r.options(t, r.facebook, list, `{}`, "", "")
		assert.NotEmpty(t, got, "%s without an account: the first there is", list)
	}
	for _, list := range []string{"media", "stories", "conversations", "insight_metrics"} {
		got, _ := r.options(t, r.instagram, list, `{}`, "", "")
		assert.NotEmpty(t, got, "%s with Instagram Login", list)
	}
	got, _ := r.options(t, r.facebook, "insight_metrics", `{"story_id":"18023000000000001"}`, "", "")
	assert.Contains(t, got, `"navigation" navigation`)
	assert.NotContains(t, got, `"likes" likes`)
	got, _ = r.options(t, r.facebook, "media", account, "cup number 33", "")
	assert.Len(t, got, 1)
}

// details walks all pages of a list, and returns the details of its choices.
func (r *rig) details(t testing.TB, c *connectorv1.Credential, list, input string) []string {
	t.Helper()
	var out []string
	token := ""
	for range 50 {
		resp, err := connectorv1.NewOperationServiceClient(r.conn).ListOptions(t.Context(), &connectorv1.ListOptionsRequest{
			Call: &connectorv1.Call{Id: "c1", Credential: c}, List: list, Input: []byte(input), PageToken: token,
		})
		require.NoError(t, err)
		require.Nil(t, resp.GetFailure(), "%v", resp.GetFailure())
		for _, o := range resp.GetPage().GetOptions() {
			out = append(out, string(o.GetValue())+" "+o.GetDetail())
		}
		if token = resp.GetPage().GetNextPageToken(); token == "" {
			return out
		}
	}
	require.Fail(t, "the list has no end")
	return nil
}

func TestOptions_OverAllAccounts(t *testing.T) {
	t.Parallel()
	const coast, bottle = `{"ig_user_id":"17841400000000003"}`, `{"ig_user_id":"17841405726653026"}`
	r := newRig(t, rigOptions{world: func(w *sandbox.World) {
		now := time.Now().UTC()
		w.Media = append(w.Media,
			&sandbox.Media{ID: "17900009000000001", OwnerID: sandbox.SeedThirdAccountID, Type: "IMAGE", Product: "FEED", Caption: "Surf", At: now.Add(-time.Hour)},
			&sandbox.Media{ID: "18023009000000001", OwnerID: sandbox.SeedThirdAccountID, Type: "IMAGE", Product: "STORY", At: now.Add(-time.Hour)},
		)
	}})
	for _, list := range []string{"media", "stories", "comments"} {
		all := r.details(t, r.facebook, list, `{}`)
		one, other := r.details(t, r.facebook, list, bottle), r.details(t, r.facebook, list, coast)
		assert.NotEmpty(t, one, list)
		assert.ElementsMatch(t, append(one, other...), all, list)
		for _, detail := range one {
			assert.Contains(t, detail, "@bluebottle", list)
		}
		for _, detail := range other {
			assert.Contains(t, detail, "@originalcoast", list)
		}
		if list != "comments" {
			assert.NotEmpty(t, other, list)
		}
		assert.Equal(t, one, r.details(t, r.instagram, list, `{}`), "%s of the only account", list)
	}
}

func TestOptions_AnAccountThatIsGoneHidesNoOther(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	all := r.details(t, r.facebook, "media", `{}`)
	bottle := r.details(t, r.facebook, "media", `{"ig_user_id":"17841405726653026"}`)
	require.NotEmpty(t, bottle)

	secret := bytes.ReplaceAll(r.facebook.GetSecret(), []byte(sandbox.SeedThirdAccountID), []byte("17841400000000099"))
	require.NotEqual(t, r.facebook.GetSecret(), secret)
	stale := &connectorv1.Credential{Method: r.facebook.GetMethod(), Secret: secret}
	got := r.details(t, stale, "media", `{}`)
	assert.Equal(t, bottle, got)
	assert.Subset(t, all, got)
}
