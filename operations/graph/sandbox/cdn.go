package sandbox

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"net/http"
	"strconv"
	"strings"
)

// serveCDN answers media files. A URL is dead when its time is over or its media is gone.
func serveCDN(c *call) (any, error) {
	expires, err := strconv.ParseInt(c.params.get("oe"), 16, 64)
	if err != nil || c.now.Unix() >= expires {
		return answer{status: http.StatusForbidden, contentType: "text/plain", body: []byte("URL signature expired")}, nil
	}
	name := c.parts[len(c.parts)-1]
	id, extension, _ := strings.Cut(name, ".")
	id = strings.TrimSuffix(id, "_thumb")
	m := c.s.st.media[id]
	if c.parts[0] == "media" && (m == nil || !c.mediaVisible(m)) || c.parts[0] == "profile" && !c.s.st.hasFace(id) {
		return answer{status: http.StatusNotFound, contentType: "text/plain", body: []byte("Content not found")}, nil
	}
	if extension == "mp4" {
		return answer{status: http.StatusOK, contentType: "video/mp4", body: emptyMP4}, nil
	}
	return answer{status: http.StatusOK, contentType: "image/jpeg", body: picture(id)}, nil
}

// hasFace says whether an id is of somebody who has a profile picture.
func (st *state) hasFace(id string) bool {
	return st.accounts[id] != nil || st.scoped[id].person != nil || st.users[id] != nil
}

// serveMessageCDN answers attachments of messages.
func serveMessageCDN(c *call) (any, error) {
	id := c.params.get("asset_id")
	if id == "" || c.params.get("signature") == "" {
		return answer{status: http.StatusForbidden, contentType: "text/plain", body: []byte("URL signature mismatch")}, nil
	}
	return answer{status: http.StatusOK, contentType: "image/jpeg", body: picture(id)}, nil
}

// picture is a small JPEG whose colour depends on the id.
func picture(id string) []byte {
	img := image.NewRGBA(image.Rect(0, 0, 16, 16))
	seed := secretText(id, 3)
	for i := range 16 * 16 {
		img.Set(i%16, i/16, color.RGBA{R: seed[0] * 2, G: seed[1] * 2, B: seed[2] * 2, A: 255})
	}
	var b bytes.Buffer
	_ = jpeg.Encode(&b, img, nil) // a bytes.Buffer takes everything
	return b.Bytes()
}

// emptyMP4 is a file type box and an empty movie: enough to be told apart as video/mp4.
var emptyMP4 = []byte("\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom\x00\x00\x00\x08mdat")
