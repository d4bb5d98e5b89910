package sandbox

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
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

func (c *call) fillContainer(ct *container) error {
	ct.media.OwnerID = ct.account.ID
	ct.item, _ = c.params.truth("is_carousel_item")
	if v, _ := c.params.truth("share_to_feed"); v {
		ct.media.ToFeed = true
	}
	ct.resumable = c.params.get("upload_type") == "resumable"
	if c.params.has("upload_type") && !ct.resumable {
		return badParam("Param upload_type must be one of {RESUMABLE} - got %q.", c.params.get("upload_type"))
	}
	var err error
	switch kind := c.params.get("media_type"); kind {
	case "CAROUSEL":
		err = c.fillCarousel(ct)
	case "REELS":
		ct.media.Type, ct.media.Product = "VIDEO", "REELS"
		err = c.fillVideo(ct)
	case "STORIES":
		err = c.fillStory(ct)
	case "", "IMAGE":
		ct.media.Type, ct.media.Product = "IMAGE", "FEED"
		err = c.fillImage(ct)
	case "VIDEO":
		if !ct.item && !ct.resumable { // feed videos ended on 2023-11-09
			return publishError(100, 2207023, "Unknown media type", "The VIDEO value for media_type is no longer supported. Use the REELS media type to publish a video to your Instagram feed.")
		}
		ct.media.Type, ct.media.Product = "VIDEO", "FEED"
		err = c.fillVideo(ct)
	default:
		return publishError(100, 2207023, "Unknown media type", "The media type "+kind+" is unknown.")
	}
	if err != nil {
		return err
	}
	return c.fillExtras(ct)
}

func (c *call) fillCarousel(ct *container) error {
	ct.album = true
	ct.media.Type, ct.media.Product = "CAROUSEL_ALBUM", "FEED"
	ids := c.params.list("children")
	if len(ids) < 2 || len(ids) > 10 {
		return publishError(100, 2207028, "Unable to publish carousel", "Your carousel needs from 2 to 10 photos or videos.")
	}
	for _, id := range ids {
		child := c.s.st.containers[id]
		if child == nil || child.account != ct.account || !child.item {
			return publishError(24, 2207006, "Media not found", "The media with "+id+" cannot be found.")
		}
		if child.status(c.now) == statusExpired {
			return publishError(24, 2207008, "Media builder expired", "The media builder with creation id = "+id+" does not exist or has been expired.")
		}
		ct.items = append(ct.items, child)
		if child.ready.After(ct.ready) {
			ct.ready = child.ready
		}
		if child.failure != nil {
			ct.failure = child.failure
		}
	}
	return nil
}

func (c *call) fillImage(ct *container) error {
	if !c.params.has("image_url") {
		if c.params.has("video_url") {
			return publishError(100, 2207023, "Unknown media type", "A video needs the media_type REELS, STORIES or, as an item of a carousel, VIDEO.")
		}
		return missingParam("image_url")
	}
	asset, err := c.fetch(c.params.get("image_url"))
	if err != nil {
		return err
	}
	ct.ready = c.now.Add(time.Duration(asset.Processing) * time.Second)
	return checkImage(asset, ct.story)
}

// checkImage applies the limits of published images.
func checkImage(a *Asset, story bool) error {
	switch {
	case a.Code != 0:
		return publishError(a.Code, a.Subcode, "The image cannot be published", "The image cannot be published.")
	case a.Type != "image/jpeg":
		return publishError(36001, 2207005, "Image format not supported", "The image format is not supported. The image should be of type JPEG.")
	case a.Bytes > 8<<20:
		return publishError(36000, 2207004, "Image size too large", "The image is too large to download. It should be less than 8 MiB.")
	case !story && a.Width > 0 && a.Height > 0 && (a.Width*5 < a.Height*4 || a.Width*100 > a.Height*191):
		return publishError(36003, 2207009, "Invalid aspect ratio", "The submitted image with aspect ratio ('"+fmt.Sprintf("%d/%d", a.Width, a.Height)+"',) cannot be published. Please submit an image with a valid aspect ratio.")
	}
	return nil
}

func (c *call) fillVideo(ct *container) error {
	if ct.resumable {
		return nil // the bytes come later
	}
	if !c.params.has("video_url") {
		return missingParam("video_url")
	}
	asset, err := c.fetch(c.params.get("video_url"))
	if err != nil {
		return err
	}
	ct.process(c.s, asset, c.now)
	if c.params.has("cover_url") {
		if _, err := c.fetch(c.params.get("cover_url")); err != nil {
			return err
		}
	}
	return c.checkThumb(asset)
}

// process plans the end of a video's processing, and with what it ends.
func (ct *container) process(s *Sandbox, a *Asset, now time.Time) {
	seconds := a.Processing
	if seconds == 0 {
		seconds = s.st.world.videoSeconds()
	}
	ct.ready = now.Add(time.Duration(seconds) * time.Second)
	switch {
	case a.Code != 0:
		ct.failure = publishError(a.Code, a.Subcode, "The video cannot be published", "The video cannot be published.")
	case a.Type != "video/mp4" && a.Type != "video/quicktime":
		ct.failure = publishError(352, 2207026, "Unsupported video format", "The video format is not supported. Please check spec for supported format.")
	case ct.story && (a.Seconds > 60 || a.Seconds > 0 && a.Seconds < 3 || a.Bytes > 100<<20),
		!ct.story && (a.Seconds > 15*60 || a.Seconds > 0 && a.Seconds < 3 || a.Bytes > 300<<20):
		ct.failure = publishError(352, 2207026, "Unsupported video format", "The video is too long, too short or too large. Please check spec for supported format.")
	}
}

func (c *call) checkThumb(a *Asset) error {
	if !c.params.has("thumb_offset") {
		return nil
	}
	ms, err := strconv.Atoi(c.params.get("thumb_offset"))
	if err != nil || ms < 0 || a.Seconds > 0 && float64(ms) > a.Seconds*1000 {
		return publishError(1, 2207057, "Thumbnail offset must be valid", "Thumbnail offset must be greater than or equal to 0 and less than video duration.")
	}
	return nil
}

func (c *call) fillStory(ct *container) error {
	ct.story = true
	ct.media.Product = "STORY"
	if c.params.has("video_url") || ct.resumable {
		ct.media.Type = "VIDEO"
		return c.fillVideo(ct)
	}
	ct.media.Type = "IMAGE"
	return c.fillImage(ct)
}

// fetch is what Meta would find at a URL.
func (c *call) fetch(address string) (*Asset, error) {
	unfetchable := publishError(9004, 2207052, "Media download has failed", "The media could not be fetched from this URI: "+address)
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || !ascii(address) {
		return nil, unfetchable
	}
	if a := c.s.st.assets[address]; a != nil {
		if a.Missing {
			return nil, unfetchable
		}
		if a.Type == "" {
			full := *a
			full.Type = typeOf(u.Path)
			return &full, nil
		}
		return a, nil
	}
	return &Asset{URL: address, Type: typeOf(u.Path)}, nil
}

func ascii(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > '~' || r <= ' ' })
}

// typeOf guesses a file's type from its name; a name without a known extension is a JPEG.
func typeOf(path string) string {
	types := map[string]string{
		"png": "image/png", "gif": "image/gif", "webp": "image/webp", "mp4": "video/mp4", "mov": "video/quicktime", "avi": "video/x-msvideo",
		"webm": "video/webm", "ogg": "video/ogg", "mp3": "audio/mpeg", "aac": "audio/aac", "m4a": "audio/mp4", "wav": "audio/wav", "pdf": "application/pdf",
	}
	i := strings.LastIndexByte(path, '.')
	if t := types[strings.ToLower(path[i+1:])]; t != "" {
		return t
	}
	return "image/jpeg"
}

// fillExtras are caption, tags and the rest.
func (c *call) fillExtras(ct *container) error {
	if !ct.item {
		if err := c.fillCaption(ct); err != nil {
			return err
		}
	}
	for _, step := range []func(*container) error{c.fillTags, c.fillProducts, c.fillCollaborators, c.fillPlace, c.fillText} {
		if err := step(ct); err != nil {
			return err
		}
	}
	return nil
}

func (c *call) fillCaption(ct *container) error {
	caption := c.params.get("caption")
	switch {
	case len([]rune(caption)) > 2200:
		return publishError(36004, 2207010, "Caption too long", "The submitted caption is too long. It should be less than 2,200 characters.")
	case strings.Count(caption, "@") > 20:
		return publishError(100, 2207040, "Too many tags", "You cannot use more than 20 @tags in the caption.")
	case strings.Count(caption, "#") > 30:
		return badParam("The caption has more than 30 hashtags")
	}
	ct.media.Caption = caption
	return nil
}

func (c *call) fillTags(ct *container) error {
	if !c.params.has("user_tags") {
		return nil
	}
	var tags []struct {
		Username string   `json:"username"`
		X        *float64 `json:"x"`
		Y        *float64 `json:"y"`
	}
	if err := c.params.decode("user_tags", &tags); err != nil {
		return badParam("Param user_tags must be an array")
	}
	for i, t := range tags {
		placed := t.X != nil && t.Y != nil
		switch {
		case t.Username == "":
			return badParam("Param user_tags[%d] has no username", i)
		case !placed && ct.media.Type == "IMAGE" && !ct.story:
			return badParam("Param user_tags[%d] has no x and y", i)
		case placed && (*t.X < 0 || *t.X > 1 || *t.Y < 0 || *t.Y > 1):
			return badParam("Param user_tags[%d]: x and y must be from 0.0 to 1.0", i)
		case c.s.st.profiles[strings.ToLower(t.Username)].id == "":
			return badParam("Param user_tags[%d]: the user %s cannot be tagged", i, t.Username)
		}
		tag := UserTag{Username: t.Username}
		if placed {
			tag.X, tag.Y = *t.X, *t.Y
		}
		ct.media.Tags = append(ct.media.Tags, tag)
	}
	return nil
}

func (c *call) fillProducts(ct *container) error {
	if !c.params.has("product_tags") {
		return nil
	}
	if c.flavour == flavourInstagram {
		return badParam("Param product_tags is not supported with Instagram Login")
	}
	tags, err := c.readProductTags("product_tags", ct.media.Type == "VIDEO")
	ct.media.Products = tags
	return err
}

func (c *call) fillCollaborators(ct *container) error {
	names := c.params.list("collaborators")
	if len(names) == 0 {
		return nil
	}
	if c.flavour == flavourInstagram || len(names) > 3 || ct.story || ct.item {
		return badParam("Param collaborators takes up to 3 usernames, for images, reels and carousels, with Facebook Login")
	}
	for _, name := range names {
		who := c.s.st.profiles[strings.ToLower(name)]
		if who.id == "" {
			return badParam("Param collaborators: the user %s cannot be invited", name)
		}
		ct.media.Collabs = append(ct.media.Collabs, Collaborator{ID: who.id, Username: who.username, Status: "Pending"})
	}
	return nil
}

func (c *call) fillPlace(ct *container) error {
	id := c.params.get("location_id")
	if id == "" || ct.item {
		return nil
	}
	if p := c.s.st.pages[id]; p == nil || !p.HasLocation {
		return &apiError{code: 100, message: "INSTAGRAM_PLATFORM_API__INVALID_LOCATION_ID"}
	}
	return nil
}

func (c *call) fillText(ct *container) error {
	if alt := c.params.get("alt_text"); alt != "" {
		if ct.media.Type != "IMAGE" || len([]rune(alt)) > 1000 {
			return badParam("Param alt_text takes up to 1000 characters, for images")
		}
		ct.media.AltText = alt
	}
	if c.params.has("trial_params") {
		var trial struct {
			Strategy string `json:"graduation_strategy"`
		}
		if err := c.params.decode("trial_params", &trial); err != nil || ct.media.Product != "REELS" || trial.Strategy != "MANUAL" && trial.Strategy != "SS_PERFORMANCE" {
			return badParam("Param trial_params needs graduation_strategy MANUAL or SS_PERFORMANCE, for reels")
		}
	}
	if sponsors := c.params.list("branded_content_sponsor_ids"); len(sponsors) > 2 {
		return badParam("Param branded_content_sponsor_ids takes up to 2 ids")
	}
	return nil
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
	since, err := parseTime("since", c.params.get("since"))
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

// readProductTags reads and checks [{product_id,x,y}].
func (c *call) readProductTags(param string, video bool) ([]ProductTag, error) {
	var tags []struct {
		ProductID json.RawMessage `json:"product_id"`
		X         *float64        `json:"x"`
		Y         *float64        `json:"y"`
	}
	if err := c.params.decode(param, &tags); err != nil {
		return nil, badParam("Param %s must be an array", param)
	}
	most := 5
	if video {
		most = 30
	}
	if len(tags) > most {
		return nil, badParam("Param %s takes up to %d products", param, most)
	}
	var list []ProductTag
	for _, t := range tags {
		id := jsonText(t.ProductID)
		placed := t.X != nil && t.Y != nil
		switch {
		case c.s.st.products[id] == nil:
			return nil, publishError(100, 2207037, "Invalid product tag", "The product with id "+id+" cannot be tagged.")
		case video && placed:
			return nil, publishError(100, 2207035, "Positions are not supported", "Product tag positions should not be specified for video media.")
		case !video && !placed:
			return nil, publishError(100, 2207036, "Positions are required", "Product tag positions are required for photo media.")
		}
		tag := ProductTag{ProductID: json.Number(id)}
		if placed {
			tag.X, tag.Y = *t.X, *t.Y
		}
		list = append(list, tag)
	}
	return list, nil
}
