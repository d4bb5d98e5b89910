package operations_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// A credential's keys to Pages are at hand however its JSON is laid out.
func TestCredential_HoldsTheKeysToPages(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	sealed := r.facebook.GetSecret()
	require.Contains(t, string(sealed), `,"pages":[{`)
	var indented bytes.Buffer
	require.NoError(t, json.Indent(&indented, sealed, "", "  "))
	var members map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(sealed, &members))
	sorted, err := json.Marshal(members) // The token comes behind the Pages.
	require.NoError(t, err)
	members["more"] = json.RawMessage(`{"pages":[]}`)
	longer, err := json.Marshal(members)
	require.NoError(t, err)

	const input = `{"page_id":"134895793791914","ig_user_id":"17841405726653026"}`
	want := r.invoke(t, "list_conversations", input)
	require.Nil(t, want.GetFailure())
	require.EqualValues(t, 1, want.GetReport().GetRequests(), "Meta is not asked for the Page's token")
	for name, secret := range map[string][]byte{
		"indented": indented.Bytes(), "in another order": sorted, "with more": longer, "with a line's end": append(bytes.Clone(sealed), '\n'),
	} {
		c := proto.CloneOf(r.facebook)
		c.Secret = secret
		got := r.invokeAs(t, c, "list_conversations", input, "")
		require.Nil(t, got.GetFailure(), name)
		assert.Equal(t, string(want.GetResult().GetOutput()), string(got.GetResult().GetOutput()), name)
		assert.EqualValues(t, 1, got.GetReport().GetRequests(), name)
	}
}

// However a secret spells its token, it is that token.
func TestCredential_IsReadHoweverItIsSpelt(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	sealed := string(r.facebook.GetSecret())
	spelt := func(old, now string) []byte {
		require.Contains(t, sealed, old)
		return []byte(strings.Replace(sealed, old, now, 1))
	}
	alone, _, found := strings.Cut(sealed, `,"pages":`)
	require.True(t, found)
	const input = `{"story_id":"18023000000000001"}`
	want := r.invoke(t, "get_story", input)
	require.Nil(t, want.GetFailure())
	for name, secret := range map[string][]byte{
		"without Pages": []byte(alone + "}"), "without Pages, and a space": []byte(alone + " }"),
		"spaces between members": spelt(`","token":"`, `" , "token":"`), "spaces within them": spelt(`"token":"`, `"token" : "`), "a space at the start": spelt(`{`, `{ `),
		"an escape": spelt(`"token":"E`, `"token":"\u0045`), "twice": spelt(`"token":"`, `"token":"EAAother","token":"`),
		"a number": spelt(`"token":"`, `"more":5,"token":"`), "an object": spelt(`"token":"`, `"more":{"a":"b","token":"EAAother"},"token":"`),
	} {
		c := proto.CloneOf(r.facebook)
		c.Secret = secret
		got := r.invokeAs(t, c, "get_story", input, "")
		require.Nil(t, got.GetFailure(), name)
		assert.Equal(t, string(want.GetResult().GetOutput()), string(got.GetResult().GetOutput()), name)
	}
}

func TestCredential_ThatIsCutOff(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	for _, secret := range []string{
		`{"host":"graph.facebook.com","token":"EAAB}`, `{"host":"graph.facebook.com","token":"EAAB"}}`, `{"host":"graph.facebook.com","token":"EAAB","pages"}`,
		`{"host":"graph.facebook.com","token":"EAAB","proof","pages":[]}`, `{"host":"graph.facebook.com","token":"EAAB" "proof":"p","pages":[]}`,
		`{"host":"graph.facebook.com","token":"EA` + "\x00" + `AB","pages":[]}`, `{"host":"graph.facebook.com","token":"EAAB,"pages":[]}`,
	} {
		got := r.invokeAs(t, &connectorv1.Credential{Method: "access_token", Secret: []byte(secret)}, "get_story", `{"story_id":"18023000000000001"}`, "")
		assert.Equal(t, connectorv1.FailureKind_FAILURE_KIND_UNAUTHENTICATED, got.GetFailure().GetKind(), secret)
		assert.Zero(t, got.GetReport().GetRequests(), secret)
	}
}

func TestCredential_ThatIsNone(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	for _, secret := range []string{
		``, `{}`, `"EAAB"`, `{"host":"graph.facebook.com","token":"","pages":[]}`, `{"host":"evil.example","token":"EAAB","pages":[{"id":"1","token":"EAAB"}]}`,
		`{"host":"graph.facebook.com","token":"EAAB","pages":[`, `{"host":"graph.facebook.com","token":"EAAB"`,
	} {
		got := r.invokeAs(t, &connectorv1.Credential{Method: "access_token", Secret: []byte(secret)}, "get_story", `{"story_id":"18023000000000001"}`, "")
		assert.Equal(t, connectorv1.FailureKind_FAILURE_KIND_UNAUTHENTICATED, got.GetFailure().GetKind(), secret)
		assert.Zero(t, got.GetReport().GetRequests(), secret)
	}
}
