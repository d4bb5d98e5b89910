package sandbox

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
)

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
