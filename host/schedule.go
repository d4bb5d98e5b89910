package host

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
	"github.com/storyloop/storyloop/host/workflow"
)

// ScheduleConnector names the built-in trigger that starts runs by the clock.
const ScheduleConnector = "schedule"

// ScheduleInput is the input of the trigger "schedule": either every or cron.
type ScheduleInput struct {
	Every    string       `json:"every,omitempty"`     // An interval, such as "15m" or "1d".
	Cron     string       `json:"cron,omitempty"`      // Minute, hour, day, month, weekday; or @daily and the like.
	TimeZone string       `json:"time_zone,omitempty"` // Of cron, such as "Europe/Berlin". Empty means UTC.
	Missed   MissedPolicy `json:"missed,omitempty"`    // Empty means once.
}

// MissedPolicy is what becomes of due times at which no host was running.
type MissedPolicy string

// Policies.
const (
	MissedOnce MissedPolicy = "once" // One run for all of them.
	MissedSkip MissedPolicy = "skip" // None.
)

// shortest is the shortest interval.
const shortest = time.Second

// Timetable says when a schedule is due.
type Timetable struct {
	Input ScheduleInput
	every time.Duration
	cron  *wallClock
}

// ParseSchedule reads the input of the trigger "schedule". What is wrong is an
// *[InputError].
func ParseSchedule(input json.RawMessage) (*Timetable, error) {
	var t Timetable
	d := json.NewDecoder(bytes.NewReader(input))
	d.DisallowUnknownFields()
	if err := d.Decode(&t.Input); err != nil {
		return nil, &InputError{"", "must hold texts: every or cron, time_zone, missed"}
	}
	in := t.Input
	if in.Missed != "" && in.Missed != MissedOnce && in.Missed != MissedSkip {
		return nil, &InputError{"/missed", fmt.Sprintf("must be %s or %s, not %q", MissedOnce, MissedSkip, in.Missed)}
	}
	if (in.Every == "") == (in.Cron == "") {
		return nil, &InputError{"/every", "a schedule has either every or cron"}
	}
	if in.Every != "" {
		return &t, t.interval(in.Every)
	}
	return &t, t.parse(in)
}

func (t *Timetable) interval(every string) (err error) {
	if t.every, err = workflow.ParseDuration(every); err != nil || t.every < shortest {
		return &InputError{"/every", "must be a duration of a second or more, such as \"15m\", \"1h30m\" or \"2d\""}
	}
	return nil
}

func (t *Timetable) parse(in ScheduleInput) error {
	zone, err := time.LoadLocation(in.TimeZone)
	if err != nil || in.TimeZone == "Local" {
		return &InputError{"/time_zone", fmt.Sprintf("%q is no time zone; use a name such as \"Europe/Berlin\"", in.TimeZone)}
	}
	if strings.Contains(in.Cron, "TZ=") || strings.HasPrefix(in.Cron, "@every") {
		return &InputError{"/cron", "takes no time zone and no interval; use time_zone and every"}
	}
	times, err := cron.ParseStandard(in.Cron)
	if err != nil {
		return &InputError{"/cron", fmt.Sprintf("is no cron expression such as \"30 9 * * 1-5\": %v", err)}
	}
	t.cron = &wallClock{times, zone}
	if t.Next(time.Unix(0, 0), time.Unix(0, 0)).IsZero() {
		return &InputError{"/cron", "is never due"}
	}
	return nil
}

// Next returns the first due time after one. Intervals count from the anchor.
func (t *Timetable) Next(anchor, after time.Time) time.Time {
	if t.cron != nil {
		return t.cron.next(after)
	}
	if after.Before(anchor) {
		return anchor.Add(t.every).UTC()
	}
	return anchor.Add((after.Sub(anchor)/t.every + 1) * t.every).UTC()
}

// Schedule is how a workflow's schedule stands.
type Schedule struct {
	Workflow string        `json:"workflow"`
	Input    ScheduleInput `json:"input"`
	Anchor   time.Time     `json:"anchor"`             // When the host first saw it.
	Next     time.Time     `json:"next"`               // When it is due.
	Last     time.Time     `json:"last,omitzero"`      // When it was due last,
	LastRun  string        `json:"last_run,omitempty"` // and the run that this started.
}

// grace is how late a run may begin and not count as missed.
const grace = time.Minute

// Schedules returns the schedules of all enabled workflows, by workflow.
func (e *Engine) Schedules(ctx context.Context) ([]Schedule, error) {
	values, err := e.Store.Values(ctx, scheduleScope)
	if err != nil {
		return nil, fmt.Errorf("reading the schedules: %w", err)
	}
	var all []Schedule
	for _, v := range values {
		var s Schedule
		if err := json.Unmarshal(v.Value, &s); err != nil {
			return nil, fmt.Errorf("reading the schedule of %s: %w", v.Key, err)
		}
		all = append(all, s)
	}
	return all, nil
}

// RunSchedules starts the runs of schedules when they are due, until ctx ends or
// the engine closes. Run it once, beside [Engine.Resume].
func (e *Engine) RunSchedules(ctx context.Context) error {
	for {
		if e.stop.Err() != nil || ctx.Err() != nil {
			return nil
		}
		changed := e.definitionsChanged()
		next, err := e.Tick(ctx)
		switch {
		case errors.Is(err, ErrClosed) || ctx.Err() != nil:
			return nil
		case err != nil:
			e.Log.Error("schedules could not be kept; they are tried again in a minute", "error", err)
			next = e.Clock.Now().Add(time.Minute)
		case next.IsZero():
			next = e.Clock.Now().Add(24 * time.Hour)
		}
		sleep, wake := context.WithCancel(ctx)
		stops := []func() bool{context.AfterFunc(e.stop, wake), context.AfterFunc(changed, wake)}
		_ = e.Clock.SleepUntil(sleep, next)
		for _, stop := range stops {
			stop()
		}
		wake()
	}
}

// Tick starts the runs of all schedules that are due now, and returns when the next
// one is; zero if there is none. A run's id is made of its due time, so that none
// is started twice even if the host dies in between.
func (e *Engine) Tick(ctx context.Context) (time.Time, error) {
	defs, err := e.Store.Definitions(ctx)
	if err != nil {
		return time.Time{}, fmt.Errorf("reading the workflows: %w", err)
	}
	kept, err := e.Schedules(ctx)
	if err != nil {
		return time.Time{}, err
	}
	known := map[string]Schedule{}
	for _, s := range kept {
		known[s.Workflow] = s
	}
	var next time.Time
	for _, d := range defs {
		table, ok := e.timetable(d)
		if !ok {
			continue
		}
		s, err := e.tick(ctx, d, table, known[d.Name])
		if err != nil {
			return time.Time{}, err
		}
		delete(known, d.Name)
		if next.IsZero() || s.Next.Before(next) {
			next = s.Next
		}
	}
	for name := range known { // disabled, or with another trigger by now
		if err := e.Store.PutValue(ctx, scheduleScope, name, nil, Written); err != nil {
			return time.Time{}, fmt.Errorf("forgetting the schedule of %s: %w", name, err)
		}
	}
	return next, nil
}

// timetable returns a definition's, if it is enabled and has one.
func (e *Engine) timetable(d Definition) (*Timetable, bool) {
	if !d.Enabled {
		return nil, false
	}
	doc, err := e.document(d)
	if err != nil || doc.Trigger.Connector != ScheduleConnector {
		return nil, false
	}
	input, err := doc.TriggerInput(e.env(doc))
	var table *Timetable
	if err == nil {
		table, err = ParseSchedule(input)
	}
	if err != nil {
		e.Log.Error("a schedule cannot be kept", "workflow", d.Name, "error", err)
		return nil, false
	}
	return table, true
}

// tick deals with one schedule.
func (e *Engine) tick(ctx context.Context, d Definition, table *Timetable, s Schedule) (Schedule, error) {
	now := e.Clock.Now().UTC()
	if s.Input != table.Input {
		s = Schedule{Workflow: d.Name, Input: table.Input, Anchor: now, Next: table.Next(now, now), Last: s.Last, LastRun: s.LastRun}
		return s, e.keepSchedule(ctx, s)
	}
	if s.Next.After(now) {
		return s, nil
	}
	first, due, times := s.Next, s.Next, 1
	const most = 100_000 // of times that are counted
	for next := table.Next(s.Anchor, due); !next.After(now) && times < most; next = table.Next(s.Anchor, due) {
		due, times = next, times+1
	}
	// The last due time counts as kept if it is not long ago; all before it were
	// missed, and one run stands for all of them.
	if now.Sub(due) <= grace || s.Input.Missed != MissedSkip {
		id := "schedule-" + d.Name + "-" + due.Format("20060102T150405Z")
		payload, err := json.Marshal(map[string]any{"due": due, "first_due": first, "times": times})
		if err != nil {
			return s, fmt.Errorf("writing when %s was due: %w", d.Name, err)
		}
		_, _, err = e.Start(ctx, StartRequest{Workflow: d.Name, Trigger: payload, ID: id, Origin: Origin{Kind: BySchedule, Due: due}})
		if err != nil && !errors.Is(err, ErrClosed) {
			return s, fmt.Errorf("starting %s, due at %s: %w", d.Name, due.Format(time.RFC3339), err)
		}
		s.Last, s.LastRun = due, id
	}
	s.Next = table.Next(s.Anchor, now)
	return s, e.keepSchedule(ctx, s)
}

func (e *Engine) keepSchedule(ctx context.Context, s Schedule) error {
	raw, err := json.Marshal(s)
	if err == nil {
		err = e.Store.PutValue(ctx, scheduleScope, s.Workflow, raw, Written)
	}
	if err != nil {
		return fmt.Errorf("storing the schedule of %s: %w", s.Workflow, err)
	}
	return nil
}
