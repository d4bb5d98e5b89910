package sandbox

import (
	"io"
	"net/http"
	"strconv"
)

// maxUpload is the largest video that the resumable upload takes.
const maxUpload = 1 << 30

// readUpload takes in the bytes of a resumable upload: how many came is all that counts. A
// client that goes away in the middle can go on from there.
func (c *call) readUpload() {
	if c.r.Body == nil {
		return
	}
	n, _ := io.Copy(io.Discard, io.LimitReader(c.r.Body, maxUpload))
	c.received = n
}

// upload is POST rupload.facebook.com/ig-api-upload/<version>/<container>.
func upload(c *call) (any, error) {
	ct := c.s.st.containers[c.parts[len(c.parts)-1]]
	if ct == nil || !c.reaches(ct.account) {
		return nil, uploadError("PermissionError", "The container does not exist or may not be written.")
	}
	switch {
	case !ct.resumable:
		return nil, uploadError("ProcessingFailedError", "The container was not made for a resumable upload.")
	case ct.uploadDone:
		return nil, uploadError("ProcessingFailedError", "The upload has been finished already.")
	}
	if address := c.r.Header.Get("file_url"); address != "" {
		asset, err := c.fetch(address)
		if err != nil {
			return nil, uploadError("ProcessingFailedError", "The video could not be fetched from file_url.")
		}
		ct.uploadDone = true
		ct.process(c.s, asset, c.now)
		return uploaded(), nil
	}
	offset, err := strconv.ParseInt(c.r.Header.Get("offset"), 10, 64)
	size, err2 := strconv.ParseInt(c.r.Header.Get("file_size"), 10, 64)
	if err != nil || err2 != nil || size < 1 || offset < 0 {
		return nil, uploadError("ProcessingFailedError", "The headers offset and file_size must be numbers.")
	}
	if offset != ct.uploaded {
		return nil, uploadError("OffsetInvalidError", "The offset must be "+strconv.FormatInt(ct.uploaded, 10)+".")
	}
	ct.uploaded += c.received
	ct.size = size
	if ct.uploaded > size {
		ct.uploaded = 0
		return nil, uploadError("ProcessingFailedError", "More bytes came than file_size says.")
	}
	if ct.uploaded < size {
		return nil, uploadError("PartialRequestError", "The request was partial: "+strconv.FormatInt(ct.uploaded, 10)+" of "+strconv.FormatInt(size, 10)+" bytes came.")
	}
	ct.uploadDone = true
	ct.process(c.s, &Asset{Type: "video/mp4", Bytes: int(size)}, c.now)
	return uploaded(), nil
}

// uploadState is GET on the same address: how far an interrupted upload came.
func uploadState(c *call) (any, error) {
	ct := c.s.st.containers[c.parts[len(c.parts)-1]]
	if ct == nil || !c.reaches(ct.account) {
		return nil, uploadError("PermissionError", "The container does not exist or may not be read.")
	}
	return object{{"offset", ct.uploaded}}, nil
}

func uploaded() object {
	return object{{"success", true}, {"message", "Upload successful. The video is being processed."}}
}

func uploadError(kind, message string) *apiError {
	return &apiError{
		status: http.StatusBadRequest, code: 100, message: message,
		raw: encode(nil, object{{"debug_info", object{{"retriable", kind == "PartialRequestError"}, {"type", kind}, {"message", message}}}}),
	}
}
