package sandbox

import (
	"strconv"
	"strings"
)

// userKind is a Facebook person as apps see one: what the default profile has, and what the
// person granted beside it.
func userKind() *kind[*User] {
	name := func(part func(first, middle, last string) string) fieldOf[*User] {
		return plain(func(u *User) any { return text(part(nameParts(u.Name))) })
	}
	return &kind[*User]{
		name: "User", id: func(u *User) string { return u.ID }, defaults: names("name", "id"),
		fields: map[string]fieldOf[*User]{
			"name":        plain(func(u *User) any { return text(u.Name) }),
			"first_name":  name(func(first, _, _ string) string { return first }),
			"middle_name": name(func(_, middle, _ string) string { return middle }),
			"last_name":   name(func(_, _, last string) string { return last }),
			"short_name":  name(func(first, _, _ string) string { return first }),

			"picture":  {get: userPicture},
			"email":    granted("email", func(u *User) any { return text(u.Email) }),
			"gender":   granted("user_gender", func(u *User) any { return text(u.Gender) }),
			"birthday": granted("user_birthday", func(u *User) any { return text(u.Birthday) }),
			"link":     granted("user_link", func(u *User) any { return "https://www.facebook.com/app_scoped_user_id/" + u.ID + "/" }),
			"accounts": {only: facebookOnly, get: func(c *call, u *User, f *field) (any, error) {
				return c.pagesOf(u).render(c, queryOf(f))
			}},
		},
	}
}

// granted is a field that is left out where the person has not granted its scope.
func granted(scope string, get func(*User) any) fieldOf[*User] {
	return fieldOf[*User]{get: func(c *call, u *User, _ *field) (any, error) {
		if !c.token.grants(scope, "") {
			return nil, nil
		}
		return get(u), nil
	}}
}

// nameParts are the first, the middle and the last names in a full one.
func nameParts(name string) (first, middle, last string) {
	parts := strings.Fields(name)
	switch len(parts) {
	case 0:
		return "", "", ""
	case 1:
		return parts[0], "", ""
	}
	end := len(parts) - 1
	return parts[0], strings.Join(parts[1:end], " "), parts[end]
}

// pictureSizes are the widths of a profile picture by its type.
var pictureSizes = map[string]int{"": 50, "square": 50, "small": 50, "album": 50, "normal": 100, "large": 200}

// userPicture is the profile picture: picture, picture.type(large), picture.width(300){url}.
func userPicture(c *call, u *User, f *field) (any, error) {
	size, ok := pictureSizes[f.arg("type")]
	if !ok {
		return nil, badParam("Param type must be one of {album, large, normal, small, square} - got %q.", f.arg("type"))
	}
	width, height := size, size
	for arg, value := range map[string]*int{"width": &width, "height": &height} {
		if text := f.arg(arg); text != "" {
			n, err := strconv.Atoi(text)
			if err != nil || n < 1 {
				return nil, badParam("Param %s must be an integer greater than zero", arg)
			}
			*value = n
		}
	}
	data := object{{"height", height}, {"is_silhouette", false}, {"url", c.cdn("profile", u.ID, ".jpg")}, {"width", width}}
	return object{{"data", only(data, f.sub)}}, nil
}

// only keeps the members that were asked for, or all.
func only(o object, asked []field) object {
	if len(asked) == 0 {
		return o
	}
	kept := object{}
	for _, m := range o {
		for _, f := range asked {
			if f.name == m.key {
				kept = append(kept, m)
				break
			}
		}
	}
	return kept
}
