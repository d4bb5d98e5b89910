package operations_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/storyloop/storyloop/connector"
	"github.com/storyloop/storyloop/operations"
)

// batch is a delivery as large as Meta makes them.
func batch() []byte {
	var b bytes.Buffer
	b.WriteString(`{"object":"instagram","entry":[{"id":"17841400000000001","time":1767225600,"changes":[`)
	for i := range 1000 {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"field":"comments","value":{"id":"179000000000%05d","parent_id":"17900000000000020","text":"Love it \u2764\ufe0f number %d","from":{"id":"7700000000000001","username":"jane_doe"},"media":{"id":"18000000000000011","media_product_type":"REELS"}}}`, i, i)
	}
	b.WriteString(`]}]}`)
	return b.Bytes()
}

// BenchmarkReceive takes 1,000 updates: verify, split, name. of-floor compares it,
// in turns, with what nobody can do without: the signature, and one look at the
// JSON. More than three is too much.
func BenchmarkReceive(b *testing.B) {
	body := batch()
	receive := operations.Instagram("1.0.0").Receive
	d := connector.Delivery{
		App: connector.Secret(`{"app_secret":"` + appSecret + `"}`), Method: "POST", Body: body,
		Headers: []connector.Header{{Name: "X-Hub-Signature-256", Value: sign(appSecret, body)}},
	}
	var ours, floor time.Duration
	for b.Loop() {
		began := time.Now()
		if r := receive(b.Context(), d); len(r.Events) != 2000 {
			b.Fatal(r.Status, len(r.Events))
		}
		between := time.Now()
		least(b, body)
		ours, floor = ours+between.Sub(began), floor+time.Since(between)
	}
	b.ReportMetric(float64(ours)/float64(floor), "of-floor")
	b.ReportMetric(float64(ours)/float64(b.N), "ns/batch")
}

// least is the least that can be done with a delivery.
func least(b *testing.B, body []byte) {
	mac := hmac.New(sha256.New, []byte(appSecret))
	mac.Write(body)
	mac.Sum(nil)
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		b.Fatal(err)
	}
}
