package host_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/storyloop/storyloop/host"
	"github.com/storyloop/storyloop/host/enginetest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParseSchedule(t *testing.T) {
	t.Parallel()
	at := func(s string) time.Time {
		when, err := time.Parse(time.RFC3339, s)
		require.NoError(t, err)
		return when
	}
	anchor := at("2026-11-22T14:00:00Z")
	for name, c := range map[string]struct{ input, after, want string }{
		"interval":          {`{"every":"15m"}`, "2026-11-22T14:16:00Z", "2026-11-22T14:30:00Z"},
		"interval, at once": {`{"every":"1d"}`, "2026-11-22T14:00:00Z", "2026-11-23T14:00:00Z"},
		"weekdays":          {`{"cron":"30 9 * * 1-5"}`, "2026-11-21T00:00:00Z", "2026-11-23T09:30:00Z"},
		"zone":              {`{"cron":"0 9 * * *","time_zone":"Europe/Berlin"}`, "2026-11-22T09:00:00Z", "2026-11-23T08:00:00Z"},
		"zone in summer":    {`{"cron":"0 9 * * *","time_zone":"Europe/Berlin"}`, "2026-07-01T09:00:00Z", "2026-07-02T07:00:00Z"},
		"leap day":          {`{"cron":"0 0 29 2 *"}`, "2026-11-22T00:00:00Z", "2028-02-29T00:00:00Z"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			table, err := host.ParseSchedule(json.RawMessage(c.input))
			require.NoError(t, err)
			assert.Equal(t, at(c.want), table.Next(anchor, at(c.after)))
		})
	}
	for name, c := range map[string]struct{ input, pointer string }{
		"neither":        {`{}`, "/every"},
		"both":           {`{"every":"1h","cron":"@daily"}`, "/every"},
		"no interval":    {`{"every":"soon"}`, "/every"},
		"too often":      {`{"every":"1ms"}`, "/every"},
		"no cron":        {`{"cron":"61 * * * *"}`, "/cron"},
		"never":          {`{"cron":"0 0 31 2 *"}`, "/cron"},
		"zone in cron":   {`{"cron":"TZ=UTC 0 9 * * *"}`, "/cron"},
		"no zone":        {`{"cron":"@daily","time_zone":"Berlin"}`, "/time_zone"},
		"no policy":      {`{"every":"1h","missed":"all"}`, "/missed"},
		"unknown member": {`{"every":"1h","evry":"1h"}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := host.ParseSchedule(json.RawMessage(c.input))
			var wrong *host.InputError
			require.ErrorAs(t, err, &wrong)
			assert.Equal(t, c.pointer, wrong.Pointer)
		})
	}
}

// TestTimetable_ClockChange is due once a day also on the days on which the clocks of
// a zone change, and at each hour of these.
func TestTimetable_ClockChange(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		cron, zone, after string
		want              []string
	}{
		"skipped":                     {"30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", []string{"2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"}},
		"skipped, and after":          {"*/20 2-3 * * 0", "Europe/Berlin", "2026-03-28T12:00:00Z", []string{"2026-03-29T01:00:00Z", "2026-03-29T01:20:00Z", "2026-03-29T01:40:00Z", "2026-04-05T00:00:00Z"}},
		"skipped, once a year":        {"15 2 29 3 *", "Europe/Berlin", "2026-01-01T00:00:00Z", []string{"2026-03-29T01:00:00Z", "2027-03-29T00:15:00Z"}},
		"midnight is skipped":         {"@daily", "America/Sao_Paulo", "2018-11-03T12:00:00Z", []string{"2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z"}},
		"twice":                       {"30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", []string{"2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"}},
		"twice, seen between":         {"30 2 * * *", "Europe/Berlin", "2026-10-25T01:10:00Z", []string{"2026-10-26T01:30:00Z"}},
		"twice, half an hour":         {"45 1 * * *", "Australia/Lord_Howe", "2026-04-03T16:00:00Z", []string{"2026-04-04T14:45:00Z", "2026-04-05T15:15:00Z"}},
		"every hour":                  {"0 * * * *", "Europe/Berlin", "2026-10-25T00:00:00Z", []string{"2026-10-25T01:00:00Z", "2026-10-25T02:00:00Z"}},
		"every hour, skipped":         {"30 * * * *", "Europe/Berlin", "2026-03-29T00:00:00Z", []string{"2026-03-29T00:30:00Z", "2026-03-29T01:30:00Z"}},
		"every hour from no midnight": {"0 * 25 3 *", "Asia/Beirut", "2029-03-24T12:00:00Z", []string{"2029-03-24T22:00:00Z", "2029-03-24T23:00:00Z"}},
		"no day":                      {"0 * * * 6", "Pacific/Enderbury", "1994-12-31T00:00:00Z", []string{"1995-01-06T11:00:00Z"}},
		"other days":                  {"0 9 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", []string{"2026-10-25T08:00:00Z", "2026-10-26T08:00:00Z"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			table, err := host.ParseSchedule(fmt.Appendf(nil, `{"cron":%q,"time_zone":%q}`, c.cron, c.zone))
			require.NoError(t, err)
			at, err := time.Parse(time.RFC3339, c.after)
			require.NoError(t, err)
			var due []string
			for range c.want {
				at = table.Next(at, at)
				due = append(due, at.Format(time.RFC3339))
			}
			assert.Equal(t, c.want, due)
		})
	}
}

const oneGet = "- {id: get, connector: world, operation: get, input: {id: '1'}}\n"

// keeping runs the schedules of a lab until the test ends.
func (l *lab) keeping(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- l.RunSchedules(ctx) }()
	t.Cleanup(func() {
		cancel()
		assert.NoError(t, <-done)
	})
}

// runs returns the ids of all runs, the oldest first, once there are n.
func (l *lab) runs(t *testing.T, n int) []string {
	t.Helper()
	var ids []string
	require.Eventually(t, func() bool {
		runs, err := l.store.Runs(context.Background(), host.RunFilter{})
		require.NoError(t, err)
		ids = nil
		for _, r := range runs {
			ids = append([]string{r.ID}, ids...)
		}
		return len(ids) >= n
	}, time.Minute, time.Millisecond)
	require.Len(t, ids, n)
	return ids
}

func TestSchedules_StartRunsWhenTheyAreDue(t *testing.T) {
	t.Parallel()
	clock := enginetest.NewClock() // 14:00
	l := newLab(t, func(s *host.Setup) { s.Clock = clock })
	l.keeping(t)
	sleeping := func() {
		t.Helper()
		_, err := clock.BlockUntil(t.Context(), 1)
		require.NoError(t, err)
	}
	sleeping()
	l.define(t, "w", "{connector: schedule, input: {every: 10m}}", oneGet)
	require.Eventually(t, func() bool {
		s, err := l.Schedules(t.Context())
		return err == nil && len(s) == 1
	}, time.Minute, time.Millisecond, "a schedule that is added while others are waited for")
	sleeping()
	for i := 1; i <= 3; i++ {
		sleeping()
		clock.Advance(10 * time.Minute)
		l.runs(t, i)
	}
	assert.Equal(t, []string{"schedule-w-20261122T141000Z", "schedule-w-20261122T142000Z", "schedule-w-20261122T143000Z"}, l.runs(t, 3))
	run, err := l.Wait(t.Context(), "schedule-w-20261122T143000Z")
	require.NoError(t, err)
	assert.Equal(t, host.BySchedule, run.Origin.Kind)
	assert.JSONEq(t, `{"due":"2026-11-22T14:30:00Z","first_due":"2026-11-22T14:30:00Z","times":1}`, string(run.Trigger))

	_, err = l.Enable(t.Context(), "w", false)
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		s, err := l.Schedules(t.Context())
		return err == nil && len(s) == 0
	}, time.Minute, time.Millisecond)
	clock.Advance(time.Hour)
	_, err = l.Tick(t.Context())
	require.NoError(t, err)
	l.runs(t, 3)
}

func TestSchedules_Missed(t *testing.T) {
	t.Parallel()
	for missed, want := range map[string][]string{
		"once": {"schedule-w-20261122T170000Z"},
		"skip": nil,
	} {
		t.Run(missed, func(t *testing.T) {
			t.Parallel()
			clock := enginetest.NewClock()
			l := newLab(t, func(s *host.Setup) { s.Clock = clock })
			l.define(t, "w", fmt.Sprintf(`{connector: schedule, input: {cron: "0 * * * *", missed: %s}}`, missed), oneGet)
			next, err := l.Tick(t.Context())
			require.NoError(t, err)
			assert.Equal(t, clock.Now().Add(time.Hour), next)
			clock.Advance(3*time.Hour + 30*time.Minute) // no host runs meanwhile
			next, err = l.Tick(t.Context())
			require.NoError(t, err)
			assert.Equal(t, clock.Now().Add(30*time.Minute), next)
			ids := l.runs(t, len(want))
			assert.Equal(t, want, ids)
			for _, id := range ids {
				run, err := l.Wait(t.Context(), id)
				require.NoError(t, err)
				assert.JSONEq(t, `{"due":"2026-11-22T17:00:00Z","first_due":"2026-11-22T15:00:00Z","times":3}`, string(run.Trigger))
			}
			clock.Advance(30 * time.Minute)
			_, err = l.Tick(t.Context())
			require.NoError(t, err)
			l.runs(t, len(want)+1)
		})
	}
}

// forgetful is a store that dies after a run was stored and before its schedule
// was.
type forgetful struct{ *host.Memory }

func (forgetful) PutValue(context.Context, string, string, json.RawMessage, host.Durability) error {
	return fmt.Errorf("this process is dead")
}

func TestSchedules_CrashStartsNothingTwice(t *testing.T) {
	t.Parallel()
	clock := enginetest.NewClock()
	store := host.NewMemory()
	first := newLab(t, func(s *host.Setup) { s.Clock, s.Store = clock, store })
	first.store = store
	first.define(t, "w", "{connector: schedule, input: {every: 1h}}", oneGet)
	_, err := first.Tick(t.Context())
	require.NoError(t, err)
	clock.Advance(time.Hour)
	dying := newLab(t, func(s *host.Setup) { s.Clock, s.Store = clock, forgetful{store} })
	_, err = dying.Tick(t.Context())
	require.ErrorContains(t, err, "this process is dead")
	_, err = first.Tick(t.Context())
	require.NoError(t, err)
	first.runs(t, 1)
}
