package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/host"
)

// reader reads the lines of a host that runs in this process. The host waits until
// each has been read.
type reader func(line []byte)

func (r reader) Write(p []byte) (int, error) {
	r(p)
	return len(p), nil
}

func TestUp_TellsOfARunThatEndsBeforeItsFirstLineIsRead(t *testing.T) {
	t.Parallel()
	doc := write(t, "short.yaml", "name: short\ntrigger: { connector: manual }\nsteps: [{ id: terminate-1, connector: terminate, operation: finish }]\n")
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	var started host.Run
	var ended []endedLine
	lines := 0
	stdout := reader(func(line []byte) {
		if lines++; lines > 1 {
			var e endedLine
			assert.NoError(t, json.Unmarshal(line, &e))
			ended = append(ended, e)
			stop()
			return
		}
		var first upLine
		assert.NoError(t, json.Unmarshal(line, &first))
		c := &client{http: http.DefaultClient, base: first.Address}
		assert.NoError(t, c.do(ctx, http.MethodPost, "/api/v1/runs", map[string]string{"workflow": "short"}, &started))
		assert.Eventually(t, func() bool {
			var r host.Run
			return c.get(ctx, "/api/v1/runs/"+started.ID, &r) == nil && r.State == host.RunSucceeded
		}, time.Minute, 5*time.Millisecond)
	})
	var stderr bytes.Buffer
	code := run(ctx, []string{"up", "--json", "--data", filepath.Join(t.TempDir(), "storyloop.db"), "--lock", lock, "--credentials", emptyVault(t), doc}, noEnv, stdout, &stderr)
	require.Zero(t, code, stderr.String())
	require.NotEmpty(t, started.ID)
	assert.Equal(t, []endedLine{{Run: started.ID, Workflow: "short", State: host.RunSucceeded}}, ended)
}
