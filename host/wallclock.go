package host

import (
	"time"

	"github.com/robfig/cron/v3"
)

// wallClock is when a cron expression is due by the clocks of a zone. These leave
// out times in spring and go through others twice in autumn: what is due at given
// hours is due once all the same.
type wallClock struct {
	times cron.Schedule
	zone  *time.Location
}

// next returns the first due time after one, zero if there is none.
func (w *wallClock) next(after time.Time) time.Time {
	if w.everyHour() {
		return w.passing(after)
	}
	for shown := onWall(after.In(w.zone)); ; {
		if shown = w.times.Next(shown); shown.IsZero() {
			return shown
		}
		if at := w.first(shown); at.After(after) {
			return at.UTC()
		}
	}
}

// passing returns the next due time of what goes by time that passes. It looks at the
// stretches between two changes of the clocks one by one: the library, given the zone,
// leaves out the day that has no midnight.
func (w *wallClock) passing(after time.Time) time.Time {
	for from := after.In(w.zone).Add(time.Nanosecond); ; {
		shown := w.times.Next(onWall(from).Add(-time.Nanosecond))
		if shown.IsZero() {
			return shown
		}
		_, offset := from.Zone()
		_, end := from.ZoneBounds()
		if at := shown.Add(-time.Duration(offset) * time.Second); end.IsZero() || at.Before(end) {
			return at
		}
		from = end
	}
}

// everyHour reports whether the expression goes by time that passes rather than by
// what the clock shows.
func (w *wallClock) everyHour() bool {
	const star = 1 << 63 // how the parser marks a field that is *
	spec, ok := w.times.(*cron.SpecSchedule)
	return !ok || spec.Hour&star != 0
}

// onWall returns what a clock shows, as if it were in UTC, where no time is left out.
func onWall(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}

// first returns when the clocks first show a time; if they leave it out, when they
// do so.
func (w *wallClock) first(shown time.Time) time.Time {
	t := time.Date(shown.Year(), shown.Month(), shown.Day(), shown.Hour(), shown.Minute(), shown.Second(), 0, w.zone)
	begin, end := t.ZoneBounds()
	switch now := onWall(t); {
	case now.Before(shown):
		return end
	case now.After(shown):
		return begin
	case begin.IsZero():
		return t
	}
	_, before := begin.Add(-time.Nanosecond).Zone()
	if earlier := shown.Add(-time.Duration(before) * time.Second); earlier.Before(begin) {
		return earlier
	}
	return t
}
