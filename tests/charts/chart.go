package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"sigs.k8s.io/yaml"
)

type object = map[string]interface{}

// A chart as it stands on disk: paths are relative to its folder, with slashes.
type chart struct {
	metadata, values, schema object
	templates, files         map[string]string
}

func loadChart(folder string) (*chart, error) {
	c := &chart{templates: map[string]string{}, files: map[string]string{}}
	err := filepath.Walk(folder, func(path string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			return err
		}
		bytes, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		relative, _ := filepath.Rel(folder, path)
		name := filepath.ToSlash(relative)
		switch {
		case name == "Chart.yaml":
			return yaml.UnmarshalStrict(bytes, &c.metadata)
		case name == "values.yaml":
			return yaml.UnmarshalStrict(bytes, &c.values)
		case name == "values.schema.json":
			return json.Unmarshal(bytes, &c.schema)
		case strings.HasPrefix(name, "templates/"):
			c.templates[name] = string(bytes)
		default:
			c.files[name] = string(bytes)
		}
		return nil
	})
	if err == nil && c.metadata == nil {
		err = fmt.Errorf("%s has no Chart.yaml", folder)
	}
	return c, err
}

// The chart's values under those of the files, in order, under those that were set.
func (c *chart) valuesWith(files, sets []string) (object, error) {
	values := c.values
	for _, file := range files {
		bytes, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		over := object{}
		if err := yaml.UnmarshalStrict(bytes, &over); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		values = merge(values, over)
	}
	for _, set := range sets {
		path, text, found := strings.Cut(set, "=")
		if !found {
			return nil, fmt.Errorf("--set %s has no '='", set)
		}
		over, err := nested(strings.Split(path, "."), text)
		if err != nil {
			return nil, err
		}
		values = merge(values, over)
	}
	return values, nil
}

// Maps are merged key by key and null removes a key; everything else is replaced, lists too.
func merge(under, over object) object {
	merged := object{}
	for key, value := range under {
		merged[key] = value
	}
	for key, value := range over {
		below, isMap := merged[key].(object)
		above, isMapToo := value.(object)
		switch {
		case value == nil:
			delete(merged, key)
		case isMap && isMapToo:
			merged[key] = merge(below, above)
		default:
			merged[key] = value
		}
	}
	return merged
}

// Values of --set are YAML scalars or flow collections, which is a little more than helm takes.
func nested(path []string, text string) (object, error) {
	var value interface{}
	if err := yaml.Unmarshal([]byte(text), &value); err != nil {
		return nil, err
	}
	for i := len(path) - 1; i > 0; i-- {
		value = object{path[i]: value}
	}
	return object{path[0]: value}, nil
}
