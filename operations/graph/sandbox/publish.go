package sandbox

import (
	"fmt"
	"slices"
	"time"
)

const containerLife = 24 * time.Hour

// A container is a post in the making. What state it is in follows from the clock.
type container struct {
	id      string
	account *Account
	created time.Time
	media   Media // what it becomes, without id and time
	story   bool
	item    bool // a carousel's
	album   bool
	items   []*container

	resumable  bool
	uploaded   int64
	size       int64
	uploadDone bool

	ready     time.Time // end of processing
	failure   *apiError // what processing ends with
	mediaID   string    // once published
	published time.Time
}

// Container states (developers.facebook.com/docs/.../ig-container).
const (
	statusInProgress = "IN_PROGRESS"
	statusFinished   = "FINISHED"
	statusError      = "ERROR"
	statusExpired    = "EXPIRED"
	statusPublished  = "PUBLISHED"
)

func (ct *container) status(now time.Time) string {
	switch {
	case ct.mediaID != "":
		return statusPublished
	case now.Sub(ct.created) >= containerLife:
		return statusExpired
	case ct.resumable && !ct.uploadDone, now.Before(ct.ready):
		return statusInProgress
	case ct.failure != nil:
		return statusError
	}
	return statusFinished
}

func (ct *container) statusText(now time.Time) string {
	switch s := ct.status(now); s {
	case statusPublished:
		return "Published: Media has been successfully published."
	case statusExpired:
		return "Expired: The container was not published within 24 hours."
	case statusInProgress:
		return "In Progress: Media is still being processed."
	case statusError:
		return fmt.Sprintf("Error: Media upload has failed with error code %d", ct.failure.subcode)
	default:
		return "Finished: Media has been uploaded and it is ready to be published."
	}
}

func containerKind() *kind[*container] {
	return &kind[*container]{
		name: "IGContainer", id: func(ct *container) string { return ct.id },
		fields: map[string]fieldOf[*container]{
			"status_code": {get: func(c *call, ct *container, _ *field) (any, error) { return ct.status(c.now), nil }},
			"status":      {get: func(c *call, ct *container, _ *field) (any, error) { return ct.statusText(c.now), nil }},
			"copyright_check_status": plain(func(*container) any {
				return object{{"status", "completed"}, {"matches_found", false}}
			}),
			"video_status": {get: func(c *call, ct *container, _ *field) (any, error) {
				if ct.media.Type != "VIDEO" {
					return nil, nil
				}
				uploading := object{{"status", phase(!ct.resumable || ct.uploadDone)}}
				if ct.resumable {
					uploading = append(uploading, member{"bytes_transferred", ct.uploaded})
				}
				return object{{"uploading_phase", uploading}, {"processing_phase", object{{"status", phase(ct.status(c.now) != statusInProgress)}}}}, nil
			}},
		},
	}
}

func phase(complete bool) string {
	if complete {
		return "complete"
	}
	return "in_progress"
}

// createContainer is POST /<IG user>/media.
func createContainer(c *call) (any, error) {
	a, st := c.node.(*Account), c.s.st
	ct := &container{account: a, created: c.now, ready: c.now}
	if err := c.fillContainer(ct); err != nil {
		return nil, err
	}
	recent := within(st.created[a.ID], c.now, 24*time.Hour)
	if len(recent) >= c.s.usage.limits.ContainerPerDay {
		return nil, publishLimit()
	}
	st.created[a.ID] = append(recent, c.now)
	ct.id = st.id("179")
	st.containers[ct.id] = ct
	out := object{{"id", ct.id}}
	if ct.resumable {
		out = append(out, member{"uri", c.base(hostUpload) + "/ig-api-upload/" + c.usedVersion() + "/" + ct.id})
	}
	return out, nil
}

// within keeps the instants of the last length of time.
func within(list []time.Time, now time.Time, length time.Duration) []time.Time {
	return slices.DeleteFunc(list, func(t time.Time) bool { return now.Sub(t) >= length })
}

func publishError(code, subcode int, title, message string) *apiError {
	return &apiError{code: code, subcode: subcode, message: message, userTitle: title, userMsg: message}
}

func publishLimit() *apiError {
	return publishError(9, 2207042, "Too many posts", "You reached the maximum number of posts that is allowed to be published by Content Publishing API.")
}

// publishContainer is POST /<IG user>/media_publish.
func publishContainer(c *call) (any, error) {
	a, st := c.node.(*Account), c.s.st
	id := c.params.get("creation_id")
	if id == "" {
		return nil, missingParam("creation_id")
	}
	ct := st.containers[id]
	if ct == nil || ct.account != a {
		return nil, publishError(24, 2207006, "Media not found", "The media with "+id+" cannot be found.")
	}
	switch ct.status(c.now) {
	case statusExpired:
		return nil, publishError(24, 2207008, "Media builder expired", "The media builder with creation id = "+id+" does not exist or has been expired.")
	case statusInProgress:
		return nil, publishError(9007, 2207027, "Media is not ready", "The media is not ready for publishing, please wait for a moment.")
	case statusError:
		return nil, ct.failure
	case statusPublished:
		return nil, badParam("The media with creation id %s has been published already", id)
	}
	if ct.item {
		return nil, badParam("An item of a carousel cannot be published by itself")
	}
	recent := within(st.published[a.ID], c.now, 24*time.Hour)
	if len(recent) >= c.s.usage.limits.PublishPerDay {
		return nil, publishLimit()
	}
	st.published[a.ID] = append(recent, c.now)
	m := c.s.publish(ct, c.now)
	return object{{"id", m.ID}}, nil
}

func (s *Sandbox) publish(ct *container, now time.Time) *Media {
	m := ct.media
	m.ID, m.At, m.Shortcode = s.st.id("180"), now, ""
	m.Shortcode = shortcode(m.ID)
	for _, item := range ct.items {
		child := item.media
		child.ID, child.At, child.ParentID = s.st.id("178"), now, m.ID
		m.Children = append(m.Children, child.ID)
		s.st.addMedia(&child)
		item.mediaID = child.ID
	}
	ct.mediaID, ct.published = m.ID, now
	s.st.addMedia(&m)
	s.captioned(&m)
	return &m
}

// publishingLimit is GET /<IG user>/content_publishing_limit.
func publishingLimit(c *call) (any, error) {
	fields, err := c.fields()
	if err != nil {
		return nil, err
	}
	if len(fields) == 0 {
		fields = names("quota_usage")
	}
	since, err := parseTime("since", c.params.get("since"), c.now)
	if err != nil {
		return nil, err
	}
	if !since.IsZero() && c.now.Sub(since) > 24*time.Hour {
		return nil, badParam("Param since must be within the last 24 hours")
	}
	used := 0
	for _, t := range within(slices.Clone(c.s.st.published[c.account.ID]), c.now, 24*time.Hour) {
		if !t.Before(since) {
			used++
		}
	}
	out := object{}
	for _, f := range fields {
		switch f.name {
		case "quota_usage":
			out = append(out, member{"quota_usage", used})
		case "config":
			out = append(out, member{"config", object{{"quota_total", c.s.usage.limits.PublishPerDay}, {"quota_duration", 86400}}})
		default:
			return nil, unknownField(f.name, "ContentPublishingLimitResponse")
		}
	}
	return object{{"data", []object{out}}}, nil
}
