package sandbox

import (
	"encoding/json"
	"slices"
	"strings"
)

// mediaTypes of attachments: what Meta takes for each kind, and how large.
var attachmentTypes = map[string]struct {
	types []string
	bytes int
}{
	"image": {[]string{"image/png", "image/jpeg", "image/gif"}, maxImageBytes},
	"audio": {[]string{"audio/aac", "audio/mp4", "audio/wav", "video/mp4", "audio/mpeg"}, maxDocumentBytes},
	"video": {[]string{"video/mp4", "video/ogg", "video/x-msvideo", "video/quicktime", "video/webm"}, maxDocumentBytes},
	"file":  {[]string{"application/pdf"}, maxDocumentBytes},
}

func (c *call) checkAttachment(a outgoingAttachment) error {
	switch kind := strings.ToLower(a.Type); kind {
	case "image", "audio", "video", "file":
		return c.checkMediaAttachment(kind, a.Payload)
	case "like_heart":
		return nil
	case "media_share":
		return c.checkShare(a.Payload)
	case "template":
		return c.checkTemplate(a.Payload)
	default:
		return badMessage("The attachment type %q is unknown", a.Type)
	}
}

type mediaPayload struct {
	URL          string `json:"url"`
	AttachmentID string `json:"attachment_id"`
	IsReusable   bool   `json:"is_reusable"`
}

func (c *call) checkMediaAttachment(kind string, raw json.RawMessage) error {
	var p mediaPayload
	if err := json.Unmarshal(raw, &p); err != nil || (p.URL == "") == (p.AttachmentID == "") {
		return badMessage("The payload of the %s needs either url or attachment_id", kind)
	}
	if p.AttachmentID != "" {
		up := c.s.st.uploads[p.AttachmentID]
		if up == nil || up.account != c.account {
			return failSub(100, 2018074, "The attachment id is invalid or belongs to somebody else.")
		}
		if up.kind != kind {
			return failSub(100, 2018047, "The type of the attachment does not match.")
		}
		return nil
	}
	asset, err := c.fetch(p.URL)
	if err != nil {
		return failSub(100, 2018008, "Failed to fetch the file from the url.")
	}
	limits := attachmentTypes[kind]
	switch {
	case asset.Code != 0:
		return failSub(asset.Code, asset.Subcode, "The attachment could not be processed.")
	case !slices.Contains(limits.types, asset.Type):
		return failSub(100, 2018047, "Upload attachment failure: the media type does not match.")
	case asset.Bytes > limits.bytes:
		return failSub(100, 2018109, "The attachment size exceeds the allowable limit.")
	}
	return nil
}

func (c *call) checkShare(raw json.RawMessage) error {
	var p struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(raw, &p); err != nil || p.ID == "" {
		return badMessage("The payload of MEDIA_SHARE needs the id of a media")
	}
	if m := c.s.st.media[p.ID]; m == nil || m.OwnerID != c.account.ID {
		return failSub(100, 2018074, "The media does not exist or belongs to somebody else.")
	}
	return nil
}

// attach makes what is stored of a checked attachment.
func (c *call) attach(a outgoingAttachment) Attachment {
	switch kind := strings.ToLower(a.Type); kind {
	case "image", "audio", "video", "file":
		var p mediaPayload
		_ = json.Unmarshal(a.Payload, &p) // it was checked
		if up := c.s.st.uploads[p.AttachmentID]; up != nil {
			p.URL = up.url
		}
		return Attachment{Type: kind, URL: p.URL}
	case "media_share":
		var p struct {
			ID string `json:"id"`
		}
		_ = json.Unmarshal(a.Payload, &p) // it was checked
		return Attachment{Type: "share", MediaID: p.ID}
	case "template":
		return Attachment{Type: "template", Template: slices.Clone(a.Payload)}
	default:
		return Attachment{Type: "like_heart"}
	}
}

// An attachmentUpload is a file kept for several messages.
type attachmentUpload struct {
	account *Account
	kind    string
	url     string
}

// uploadAttachment is POST .../message_attachments.
func uploadAttachment(c *call) (any, error) {
	if c.account == nil {
		return nil, failSub(100, 2534013, "The Page is not linked to an Instagram account.")
	}
	var m outgoingMessage
	if !c.params.has("message") {
		return nil, missingParam("message")
	}
	if err := c.params.decode("message", &m); err != nil || m.Attachment == nil {
		return nil, badMessage("Param message must be a JSON object with attachment")
	}
	kind := strings.ToLower(m.Attachment.Type)
	if _, ok := attachmentTypes[kind]; !ok {
		return nil, badMessage("The attachment type %q cannot be uploaded", m.Attachment.Type)
	}
	var p mediaPayload
	if err := json.Unmarshal(m.Attachment.Payload, &p); err != nil || p.URL == "" {
		return nil, badMessage("The payload of the attachment needs url")
	}
	if err := c.checkMediaAttachment(kind, m.Attachment.Payload); err != nil {
		return nil, err
	}
	id := c.s.st.id("16")
	c.s.st.uploads[id] = &attachmentUpload{c.account, kind, p.URL}
	return object{{"attachment_id", id}}, nil
}
