package sandbox

import "net/http"

// prepareElsewhere serves the hosts that are not the Graph API; done is false for one that is.
func (c *call) prepareElsewhere() (done bool, err error) {
	if c.host == hostGraphFacebook || c.host == hostGraphInstagram {
		return false, nil
	}
	c.route = c.s.routes[routeKey{c.host, c.path, c.method}]
	if c.route == nil {
		return true, &apiError{status: http.StatusNotFound, code: 2500, message: "Unknown path components: /" + c.path}
	}
	c.token = &Token{Kind: AppToken}
	return true, nil
}
