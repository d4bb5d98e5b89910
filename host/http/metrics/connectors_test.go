package metrics_test

import (
	"context"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/host"
	"github.com/storyloop/storyloop/host/http/metrics"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// shop gives a sound event and an unsound one, whichever way it is asked.
type shop struct{ host.Connector }

var sold = []*connectorv1.Event{{Id: "1", Trigger: "sold", Payload: []byte(`{}`)}, {Id: "2", Trigger: "sold", Payload: []byte(`{`)}}

func (shop) Catalog() *connectorv1.Catalog { return &connectorv1.Catalog{Name: "shop"} }

func (shop) Receive(context.Context, *connectorv1.ReceiveRequest) (*connectorv1.ReceiveResponse, error) {
	return &connectorv1.ReceiveResponse{Events: sold}, nil
}

func (shop) Poll(context.Context, *connectorv1.PollRequest) *connectorv1.PollResponse {
	return &connectorv1.PollResponse{Outcome: &connectorv1.PollResponse_Page{Page: &connectorv1.EventPage{Events: sold}}}
}

func TestConnectors_CountUnsoundEvents(t *testing.T) {
	t.Parallel()
	m := metrics.New()
	c, ok := m.Connectors(host.ConnectorList{shop{}}).Connector("shop")
	require.True(t, ok)
	resp, err := c.Receive(t.Context(), &connectorv1.ReceiveRequest{})
	require.NoError(t, err)
	assert.Len(t, resp.GetEvents(), 2, "it only counts")
	c.Poll(t.Context(), &connectorv1.PollRequest{})
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	assert.Contains(t, w.Body.String(), `storyloop_events_total{connector="shop",known="unsound"} 2`)
}
