package operations

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWithoutSecrets(t *testing.T) {
	t.Parallel()
	const token = "EAAB|s3cret+x"
	for _, tt := range []struct{ name, in, want string }{
		{"digits and order stay", `{"z":17841405726653027,"a":1.50,"m":[1e3,null,true,"x"]}`, `{"z":17841405726653027,"a":1.50,"m":[1e3,null,true,"x"]}`},
		{"a token's property", `{"data":[{"access_token":"anything","id":"1"}]}`, `{"data":[{"access_token":"[secret]","id":"1"}]}`},
		{"whatever is in it", `{"access_token":123}`, `{"access_token":"[secret]"}`},
		{"a URL loses it", `{"next":"https:\/\/graph.facebook.com\/v25.0\/1?limit=1&access_token=abc&after=x"}`, `{"next":"https://graph.facebook.com/v25.0/1?limit=1&after=x"}`},
		{"alone in a URL", `"https://graph.facebook.com/1?access%5Ftoken=abc"`, `"https://graph.facebook.com/1"`},
		{"the token anywhere", `{"EAAB|s3cret+x":"say EAAB|s3cret+x, or EAAB%7Cs3cret%2Bx"}`, `{"[secret]":"say [secret], or [secret]"}`},
		{"an error's code is none", `{"code":190}`, `{"code":190}`},
		{"not JSON", `<p>EAAB|s3cret+x</p>`, `"<p>[secret]</p>"`},
		{"cut off", `{"a":`, `"{\"a\":"`},
		{"two values", `{} {}`, `"{} {}"`},
		{"nothing", ` `, `null`},
		{"not UTF-8", "\xff", `"�"`},
	} {
		got, err := withoutSecrets([]byte(tt.in), token)
		require.NoError(t, err, tt.name)
		assert.Equal(t, tt.want, string(got), tt.name)
	}
}

func FuzzWithoutSecrets(f *testing.F) {
	f.Add(`{"next":"https://x/?access_token=EAABs3cret&a=1","data":[1,{"access_token":"EAABs3cret"}]}`)
	f.Add(`EAABs3cret`)
	f.Add(`{"a":"\ud800","b":{}} x`)
	f.Fuzz(func(t *testing.T, body string) {
		got, err := withoutSecrets([]byte(body), "EAABs3cret")
		require.NoError(t, err)
		require.True(t, json.Valid(got), "%s", got)
		require.NotContains(t, string(got), "EAABs3cret")
	})
}

func TestUnixTime(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`1520622968`: "2018-03-09T19:16:08Z", `"1527459824"`: "2018-05-27T22:23:44Z", `1767225600123`: "2026-01-01T00:00:00Z", `"1767225600123"`: "2026-01-01T00:00:00Z",
	} {
		var u unixTime
		require.NoError(t, json.Unmarshal([]byte(in), &u))
		out, err := json.Marshal(u)
		require.NoError(t, err)
		assert.Equal(t, `"`+want+`"`, string(out), in)
	}
	for _, in := range []string{`null`, `"x"`, `-1`, `{}`, `99999999999999999999`} {
		var u unixTime
		require.NoError(t, json.Unmarshal([]byte(in), &u))
		assert.True(t, u.IsZero(), in)
	}
}

func TestMentionsIn(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"hey @Blue.Bottle, and @jane_doe.": {"blue.bottle", "jane_doe"},
		"@a@b":                             {"a", "b"},
		"no @ one, mail@example":           {"example"},
		"":                                 {},
	} {
		assert.Equal(t, want, mentionsIn(text), text)
	}
}

func TestUnderstood(t *testing.T) {
	t.Parallel()
	assert.Subset(t, understood([]string{"business_basic"}), []string{"business_basic", "instagram_business_basic", "instagram_basic", "pages_show_list"})
	assert.Subset(t, understood([]string{"manage_pages"}), []string{"pages_manage_metadata", "instagram_manage_messages"})
	assert.Equal(t, []string{"x"}, understood([]string{"x", "x"}))
	assert.Empty(t, understood(nil))
}

// Every metric has products, and what has ended says when.
func TestMetrics_Table(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, m := range metrics {
		assert.False(t, seen[m.name], "%s is there twice", m.name)
		seen[m.name] = true
		assert.NotEmpty(t, m.products, m.name)
		assert.Equal(t, m.gone == "", m.ended == "", m.name)
		assert.False(t, m.usual && m.gone != "", "%s is asked for although it is gone", m.name)
		if m.successor != "" {
			assert.NotEqual(t, "", m.gone, m.name)
		}
	}
}
