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

// The chart's values under those of the files, in order, under those that were set: helm's --set-json, --set and --set-string, in this order.
func (c *chart) valuesWith(files []string, sets []setting) (object, error) {
	given := object{}
	for _, file := range files {
		bytes, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		over := object{}
		if err := yaml.UnmarshalStrict(bytes, &over); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		overlay(given, over)
	}
	for _, kind := range []string{"--set-json", "--set", "--set-string"} {
		for _, set := range sets {
			if set.kind != kind {
				continue
			}
			if err := applySet(kind, set.line, given); err != nil {
				return nil, err
			}
		}
	}
	return coalesce(c.values, given), nil
}

// Maps are merged key by key; everything else is replaced, lists too.
func overlay(under, over object) {
	for key, value := range over {
		below, isMap := under[key].(object)
		above, isMapToo := value.(object)
		if isMap && isMapToo {
			overlay(below, above)
		} else {
			under[key] = value
		}
	}
}

// As overlay, and null takes away what the chart says.
func coalesce(chart, given object) object {
	merged := object{}
	for key, value := range chart {
		merged[key] = value
	}
	for key, value := range given {
		default_, known := chart[key]
		below, isMap := default_.(object)
		above, isMapToo := value.(object)
		switch {
		case value == nil && known:
			delete(merged, key)
		case isMap && isMapToo:
			merged[key] = coalesce(below, above)
		default:
			merged[key] = value
		}
	}
	return merged
}
