package sandbox

import "net/http"

// prepareElsewhere serves the hosts that are not the Graph API; done is false for one that is.
func (c *call) prepareElsewhere() (done bool, err error) {
	if c.host == hostGraphFacebook || c.host == hostGraphInstagram {
		return false, nil
	}
	path := c.path
	switch {
	case (c.host == hostCDN || c.host == hostMessageCDN) && path != "":
		path = "" // every file
	case c.host == hostUpload && len(c.parts) > 1:
		path = c.parts[0] // then a version and the container
	}
	c.route = c.s.routes[routeKey{c.host, path, c.method}]
	if c.route == nil {
		return true, &apiError{status: http.StatusNotFound, code: 2500, message: "Unknown path components: /" + c.path}
	}
	if c.host == hostUpload {
		return true, c.authenticateUpload()
	}
	c.token = &Token{Kind: AppToken}
	return true, nil
}

// authenticateUpload wants the token as "Authorization: OAuth <token>". Tokens of both
// flavours may upload.
func (c *call) authenticateUpload() error {
	text, auth := bearer(c.r.Header.Get("Authorization"))
	if text == "" {
		return uploadError("NotAuthorizedError", "Send the token in the header Authorization: OAuth <token>.")
	}
	t, err := c.s.token(text)
	if err != nil {
		return uploadError("NotAuthorizedError", "The token is not valid.")
	}
	c.token, c.auth = t, auth
	if err := t.check(c.now); err != nil {
		return uploadError("NotAuthorizedError", err.message)
	}
	return nil
}
