package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"

	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
	"github.com/storyloop/storyloop/schemas/validate"
)

// BenchmarkGetCatalog asks a process for the whole catalog. of-5ms is the part of five
// milliseconds that it takes: more than one is too much.
func BenchmarkGetCatalog(b *testing.B) {
	client := connectorv1.NewConnectorServiceClient(dial(b, startByHand(b)).cc)
	for b.Loop() {
		_, err := client.GetCatalog(b.Context(), &connectorv1.GetCatalogRequest{}, grpc.MaxCallRecvMsgSize(connectorv1.MaxMessage))
		require.NoError(b, err)
	}
	reportPart(b, 5*time.Millisecond, "of-5ms")
}

// BenchmarkCheckInput checks the examples of typical operations against their schemas.
// of-20µs is the part of twenty microseconds that one takes: more than one is too much.
func BenchmarkCheckInput(b *testing.B) {
	inputs := map[string]string{
		"list_stories":      `{"page_id":"134895793791914","ig_user_id":"17841405726653026","limit":25}`,
		"publish_photo":     `{"page_id":"134895793791914","ig_user_id":"17841405726653026","image_url":"https://cdn.example/photo.jpg","caption":"Fresh beans #coffee","alt_text":"A cup of coffee on a table"}`,
		"send_text_message": `{"page_id":"134895793791914","ig_user_id":"17841405726653026","igsid":"7700000000000001","text":"Yes, size M is in stock.","quick_replies":[{"title":"Buy it","payload":"BUY"}]}`,
	}
	for _, op := range catalogOf(b).GetOperations() {
		input, ok := inputs[op.GetName()]
		if !ok {
			continue
		}
		b.Run(op.GetName(), func(b *testing.B) {
			schema, err := validate.Compile(op.GetInputSchema())
			require.NoError(b, err)
			text := []byte(input)
			for b.Loop() {
				if problems, err := schema.Check(text); err != nil || len(problems) > 0 {
					b.Fatal(problems, err)
				}
			}
			reportPart(b, 20*time.Microsecond, "of-20µs")
		})
	}
}

// reportPart says which part of a limit one turn takes.
func reportPart(b *testing.B, limit time.Duration, unit string) {
	b.ReportMetric(float64(b.Elapsed())/float64(b.N)/float64(limit), unit)
}
