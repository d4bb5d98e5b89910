package graph_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/storyloop/storyloop/operations/graph"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var noon = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

func TestQuotas_Usage(t *testing.T) {
	t.Parallel()
	app := func(used float64) []graph.Quota { return []graph.Quota{{Name: "app", Used: used}} }
	for _, tt := range []struct {
		name, header string
		want         []graph.Quota
	}{
		{"the fullest counts", `{"call_count":28,"total_time":25,"total_cputime":99.5}`, app(0.995)},
		{"with spaces", " { \"call_count\" : 28 ,\n\"total_time\" : 2 } ", app(0.28)},
		{"words", `{"call_count":28,"tier":"standard","more":"a:b"}`, app(0.28)},
		{"numbers in words", `{"call_count":"99","total_time":1}`, app(0.01)},
		{"a word with what parts members", `{"tier":"x,\"total_time\":99","call_count":28}`, app(0.28)},
		{"a word with a comma", `{"tier":"x,y","call_count":28}`, app(0.28)},
		{"values of other kinds", `{"a":null,"b":true,"c":[99,{"d":99}],"e":{"f":99,"g":98},"call_count":28}`, app(0.28)},
		{"an escaped key", `{"call\u005fcount":28}`, app(0.28)},
		{"too large a number", `{"call_count":1e999,"total_time":5}`, app(0.05)},
		{"nothing used", `{"call_count":0}`, app(0)},
		{"blocked", `{"call_count":100,"estimated_time_to_regain_access":2}`, []graph.Quota{{Name: "app", Used: 1, Regain: 2 * time.Minute, BlockedUntil: noon.Add(2 * time.Minute)}}},
		{"nothing counted", `{}`, nil},
		{"null", `null`, nil},
		{"a list", `[28]`, nil},
		{"cut off", `{"call_count":28`, nil},
		{"no JSON number", `{"call_count":0x1c}`, nil},
		{"not JSON", `call_count=28`, nil},
		{"empty", ``, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, tt.want, graph.Quotas(http.Header{"X-App-Usage": {tt.header}}, noon))
		})
	}
}

func TestQuotas_UseCases(t *testing.T) {
	t.Parallel()
	got := graph.Quotas(http.Header{"X-Business-Use-Case-Usage": {`{"2":[{"type":"mess\u0065nger","call_count":1},{"type":7},{}],"1":[null,{"type":"` + "\xff" + `","call_count":3}]}`}}, noon)
	assert.Equal(t, []graph.Quota{
		{Name: "instagram", Subject: "1"},
		{Name: "\ufffd", Subject: "1", Used: 0.03},
		{Name: "messenger", Subject: "2", Used: 0.01},
		{Name: "instagram", Subject: "2", Used: 0.07},
		{Name: "instagram", Subject: "2"},
	}, got)
}

// A member that is no number makes no difference, however it is read.
func FuzzQuotas(f *testing.F) {
	f.Add(`{"type":"instagram","call_count":100,"estimated_time_to_regain_access":19}`)
	f.Add(`{"a,b":1,"c":"d:\"e","f":[2]}`)
	f.Fuzz(func(t *testing.T, header string) {
		var members map[string]json.RawMessage
		if json.Unmarshal([]byte(header), &members) != nil || len(members) == 0 {
			require.Empty(t, graph.Quotas(http.Header{"X-App-Usage": {header}}, noon))
			return
		}
		once, err := json.Marshal(members) // A name that comes twice could count twice.
		require.NoError(t, err)
		members["\x00"] = json.RawMessage(`[]`)
		more, err := json.Marshal(members)
		require.NoError(t, err)
		want := graph.Quotas(http.Header{"X-Business-Use-Case-Usage": {`{"1":[` + string(more) + `]}`}}, noon)
		require.Equal(t, want, graph.Quotas(http.Header{"X-Business-Use-Case-Usage": {`{"1":[` + string(once) + `]}`}}, noon))
	})
}
