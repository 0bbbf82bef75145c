package main

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// What --set, --set-string and --set-json say, read as helm reads it: a.b=1,c[0].d={x,y}; a backslash takes a dot, comma, bracket or equals
// sign for what it is. Only --set makes numbers, truths and nothing of what looks like them.
type setReader struct {
	text    []rune
	at      int
	convert func(text string) interface{}
	asJSON  bool
}

// One step of a path: a key of a map, or an index of a list.
type step struct {
	key     string
	index   int
	isIndex bool
}

func applySet(kind, line string, values object) error {
	reader := &setReader{text: []rune(line), convert: typedText, asJSON: kind == "--set-json"}
	if kind == "--set-string" {
		reader.convert = func(text string) interface{} { return text }
	}
	if whole := (object{}); reader.asJSON && strings.HasPrefix(strings.TrimSpace(line), "{") {
		if err := json.Unmarshal([]byte(line), &whole); err != nil {
			return err
		}
		overlay(values, whole)
		return nil
	}
	for reader.at < len(reader.text) {
		if err := reader.assignment(values); err != nil {
			return fmt.Errorf("failed parsing %s data: %w", kind, err)
		}
	}
	return nil
}

func (r *setReader) assignment(values object) error {
	path, err := r.path()
	if err != nil {
		return err
	}
	value, err := r.value()
	if err != nil {
		return err
	}
	changed, err := put(values, path, value)
	if err != nil {
		return err
	}
	values[path[0].key] = changed.(object)[path[0].key]
	return nil
}

func (r *setReader) path() ([]step, error) {
	path := []step{}
	for {
		key, end := r.until("=[,.")
		if key != "" || len(path) == 0 || !path[len(path)-1].isIndex {
			path = append(path, step{key: key})
		}
		for end == '[' {
			index, _ := r.until("]")
			number, err := strconv.Atoi(index)
			if err != nil || number < 0 {
				return nil, fmt.Errorf("error parsing index: %q", index)
			}
			path = append(path, step{index: number, isIndex: true})
			var rest string
			if rest, end = r.until("=[.,"); rest != "" {
				return nil, fmt.Errorf("unexpected data at end of array index: %q", rest)
			}
		}
		switch end {
		case '=':
			return path, nil
		case '.':
			continue
		default:
			return nil, fmt.Errorf("key %q has no value", key)
		}
	}
}

func (r *setReader) value() (interface{}, error) {
	if r.asJSON {
		return r.jsonValue()
	}
	if r.at >= len(r.text) || r.text[r.at] != '{' {
		text, _ := r.until(",")
		return r.convert(text), nil
	}
	r.at++
	list := []interface{}{}
	for {
		text, end := r.until(",}")
		if end == 0 {
			return nil, fmt.Errorf("list must terminate with '}'")
		}
		list = append(list, r.convert(text))
		if end == '}' {
			if r.at < len(r.text) && r.text[r.at] == ',' {
				r.at++
			}
			return list, nil
		}
	}
}

func (r *setReader) jsonValue() (interface{}, error) {
	rest := string(r.text[r.at:])
	if strings.TrimSpace(rest) == "" {
		r.at = len(r.text)
		return nil, nil
	}
	var value interface{}
	decoder := json.NewDecoder(strings.NewReader(rest))
	if err := decoder.Decode(&value); err != nil {
		return nil, err
	}
	r.at += len([]rune(rest[:decoder.InputOffset()]))
	r.until(",")
	return value, nil
}

// Up to one of the ends, which is eaten; 0 at the end of the line.
func (r *setReader) until(ends string) (string, rune) {
	var text strings.Builder
	for r.at < len(r.text) {
		letter := r.text[r.at]
		r.at++
		if strings.ContainsRune(ends, letter) {
			return text.String(), letter
		}
		if letter == '\\' && r.at < len(r.text) {
			letter = r.text[r.at]
			r.at++
		}
		text.WriteRune(letter)
	}
	return text.String(), 0
}

// The container with the value at the end of the path.
func put(container interface{}, path []step, value interface{}) (interface{}, error) {
	if len(path) == 0 {
		return value, nil
	}
	first := path[0]
	if first.isIndex {
		list, _ := container.([]interface{})
		for len(list) <= first.index {
			list = append(list, nil)
		}
		inner, err := put(list[first.index], path[1:], value)
		list[first.index] = inner
		return list, err
	}
	fields, ok := container.(object)
	if !ok {
		if container != nil {
			return nil, fmt.Errorf("unable to parse key: %q is below what is no map", first.key)
		}
		fields = object{}
	}
	inner, err := put(fields[first.key], path[1:], value)
	fields[first.key] = inner
	return fields, err
}

func typedText(text string) interface{} {
	switch strings.ToLower(text) {
	case "true":
		return true
	case "false":
		return false
	case "null":
		return nil
	case "0":
		return float64(0)
	}
	if text != "" && text[0] != '0' {
		if number, err := strconv.ParseInt(text, 10, 64); err == nil {
			return float64(number)
		}
	}
	return text
}
