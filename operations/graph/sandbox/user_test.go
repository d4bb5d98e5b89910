package sandbox_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/storyloop/storyloop/operations/graph/sandbox"
)

func TestUser_ShowsWhatWasGranted(t *testing.T) {
	t.Parallel()
	world := sandbox.SeedWorld()
	world.Users[0].Name, world.Users[0].Gender, world.Users[0].Birthday = "Maya Ann de Roaster", "female", "02/29/1988"
	c := newClientOf(t, sandbox.Options{World: world})
	const fields = "/me?fields=name,first_name,middle_name,last_name,email,gender,birthday,link"
	assert.JSONEq(t, `{"id":"10100000000000001","name":"Maya Ann de Roaster","first_name":"Maya","middle_name":"Ann de","last_name":"Roaster"}`,
		c.get(fields+"&access_token="+c.userToken("public_profile")).ok())
	assert.JSONEq(t, `{"id":"10100000000000001","name":"Maya Ann de Roaster","first_name":"Maya","middle_name":"Ann de","last_name":"Roaster",
		"email":"maya@example.com","gender":"female","birthday":"02/29/1988","link":"https://www.facebook.com/app_scoped_user_id/10100000000000001/"}`,
		c.get(fields+"&access_token="+c.userToken("email", "user_gender", "user_birthday", "user_link")).ok())
}

func TestUser_Picture(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	var got struct {
		Picture struct {
			Data struct {
				Height, Width int
				Silhouette    *bool `json:"is_silhouette"`
				URL           string
			}
		}
	}
	c.get("/me?fields=picture").into(&got)
	data := got.Picture.Data
	assert.Equal(t, []int{50, 50}, []int{data.Height, data.Width})
	assert.False(t, *data.Silhouette)
	assert.Equal(t, "image/jpeg", c.do(c.request(http.MethodGet, data.URL[len(c.url):], "", "")).header.Get("Content-Type"))
	c.get("/me?fields=picture.type(large)").into(&got)
	assert.Equal(t, 200, got.Picture.Data.Width)
	assert.JSONEq(t, `{"id":"10100000000000001","picture":{"data":{"width":320,"height":240}}}`,
		c.get("/me?fields=picture.width(320).height(240){height,width}").ok())
	c.get("/me?fields=picture.type(huge)").fails(100, 0)
	c.get("/me?fields=picture.width(0)").fails(100, 0)
}
