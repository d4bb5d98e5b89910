package host_test

import (
	"context"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/storyloop/storyloop/host"
	"github.com/storyloop/storyloop/host/core"
	"github.com/storyloop/storyloop/host/enginetest"
	"github.com/storyloop/storyloop/host/workflow"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
	"github.com/stretchr/testify/require"
)

// quick is a world that answers at once and remembers nothing.
type quick struct {
	*enginetest.World
	catalog *connectorv1.Catalog
	reached func(id string) // May be nil.
}

func newQuick() *quick {
	w := &enginetest.World{}
	return &quick{World: w, catalog: w.Catalog()}
}

func (q *quick) Catalog() *connectorv1.Catalog { return q.catalog }

func (q *quick) Invoke(_ context.Context, req *connectorv1.InvokeRequest) *connectorv1.InvokeResponse {
	if q.reached != nil {
		q.reached(string(req.GetInput()))
	}
	return &connectorv1.InvokeResponse{Outcome: &connectorv1.InvokeResponse_Result{
		Result: &connectorv1.Result{Output: []byte(`{"id":"17841405726653027","media_type":"IMAGE","likes":17841405726653027}`)},
	}}
}

// dropping is a store that keeps no entries.
type dropping struct{ *host.Memory }

func (dropping) PutEntry(context.Context, host.Entry, host.Durability) error { return nil }

const overItems = `
- id: loop
  connector: loop
  operation: loop_list
  input: {list: $.steps.trigger.list, concurrency: %d}
  steps: [{id: get, connector: world, operation: get, input: {id: $.steps.loop.value}}]
`

// loopOver loops over n items and returns how the run went.
func loopOver(tb testing.TB, setup host.Setup, n, concurrency int) host.Run {
	e := host.NewEngine(setup)
	doc, err := workflow.Parse("w.yaml", []byte("name: w\ntrigger: {connector: manual}\nsteps:\n"+fmt.Sprintf(overItems, concurrency)))
	require.NoError(tb, err)
	_, err = e.Define(tb.Context(), doc, false, "")
	require.NoError(tb, err)
	var list strings.Builder
	for i := range n {
		fmt.Fprintf(&list, `,"%d"`, 18_023_000_000_000_000+i)
	}
	_, _, err = e.Start(tb.Context(), host.StartRequest{Workflow: "w", ID: "r", Trigger: []byte(`{"list":[` + list.String()[1:] + `]}`)})
	require.NoError(tb, err)
	run, err := e.Wait(tb.Context(), "r")
	require.NoError(tb, err)
	require.Equal(tb, host.RunSucceeded, run.State, "%v", run.Failure)
	require.NoError(tb, e.Close(tb.Context()))
	return run
}

// TestLoop_MemoryStaysFlat compares what is in use at the first and the last
// iterations of a long loop whose journal is elsewhere.
func TestLoop_MemoryStaysFlat(t *testing.T) {
	const n = 100_000
	q := newQuick()
	in := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	var first, last uint64
	q.reached = func(input string) {
		switch input {
		case `{"id":"` + strconv.Itoa(18_023_000_000_000_000+100) + `"}`:
			first = in()
		case `{"id":"` + strconv.Itoa(18_023_000_000_000_000+n-1) + `"}`:
			last = in()
		}
	}
	loopOver(t, host.Setup{Store: dropping{host.NewMemory()}, Connectors: append(host.ConnectorList{q}, core.Connectors()...)}, n, 1)
	require.NotZero(t, first)
	require.NotZero(t, last)
	require.Less(t, last, first+1<<20, "%d bytes at the first iterations, %d at the last", first, last)
}

// BenchmarkStep measures what the engine itself costs for each step of a loop, with
// a store and a connector that cost next to nothing.
func BenchmarkStep(b *testing.B) {
	for _, concurrency := range []int{1, 16} {
		b.Run(fmt.Sprint("concurrency=", concurrency), func(b *testing.B) {
			b.ReportAllocs()
			setup := host.Setup{Store: dropping{host.NewMemory()}, Connectors: append(host.ConnectorList{newQuick()}, core.Connectors()...), Timeout: time.Minute}
			b.ResetTimer()
			loopOver(b, setup, b.N, concurrency)
		})
	}
}
