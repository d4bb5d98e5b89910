package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/host"
	"github.com/storyloop/storyloop/host/sqlite"
)

// quickWorkflow reads each of 40 stories 25 times, as fast as it can.
const quickWorkflow = `
name: crash
trigger: { connector: manual }
steps:
  - id: instagram-1
    connector: instagram
    operation: list_stories
    credential: bluebottle
    input: { ig_user_id: "17841405726653026", limit: 50 }
  - id: loop-1
    connector: loop
    operation: loop_list
    input: { list: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25] }
    steps:
      - id: loop-2
        connector: loop
        operation: loop_list
        input: { list: $.steps.instagram-1.data }
        steps:
          - id: instagram-2
            connector: instagram
            operation: get_story
            credential: bluebottle
            input: { story_id: $.steps.loop-2.value.id }
`

// Reads that take next to no time are not repeated either: a kill costs the one that
// was under way.
func TestCrash_KilledHostRepeatsNoQuickRead(t *testing.T) {
	t.Parallel()
	random := crashRandom(t)
	c := newCrash(t, random, quickWorkflow, "[]")
	c.begin()
	reads := func() int { return len(c.requests("GET /{media}")) }
	for c.kills < 12 {
		cmd, _ := c.start("up")
		enough := reads() + 10 + random.IntN(40)
		require.Eventually(t, func() bool { return reads() >= enough }, time.Minute, time.Millisecond, c.log.String())
		c.kill(cmd)
		assert.LessOrEqual(t, reads()-c.finished(), c.kills, "reads that the kills have undone")
	}
	require.True(t, c.goOn(time.Minute))
	require.Equal(t, host.RunSucceeded, c.rest().State, c.log.String())
	assert.Equal(t, 1000, c.finished())
	assert.LessOrEqual(t, reads(), 1000+c.kills)
}

// finished counts the stories that the run has, once no host is there.
func (c *crash) finished() int {
	c.t.Helper()
	run := c.rest()
	store, err := sqlite.Open(c.t.Context(), c.data(), sqlite.Options{})
	require.NoError(c.t, err)
	defer store.Close()
	entries, next, err := store.Entries(c.t.Context(), run.ID, 0, 10_000)
	require.NoError(c.t, err)
	require.Zero(c.t, next)
	n := 0
	for _, e := range entries {
		if e.Operation == "get_story" && e.State == host.EntryDone {
			n++
		}
	}
	return n
}
