package main

import (
	"fmt"
	"reflect"
	"regexp"
	"sort"
	"strings"
)

// The part of JSON Schema (draft 7) that values.schema.json may use. Any other keyword is an error: it would say something here that
// nobody checks.
type validator struct {
	root     object
	problems []string
}

func validate(schema object, values object) []string {
	if schema == nil {
		return nil
	}
	v := &validator{root: schema}
	v.check(schema, values, "")
	sort.Strings(v.problems)
	return v.problems
}

func schemaError(problems []string) error {
	return fmt.Errorf("values don't meet the specifications of the schema(s) in the following chart(s):\n- %s", strings.Join(problems, "\n- "))
}

func (v *validator) fail(at, format string, args ...interface{}) {
	if at == "" {
		at = "(root)"
	}
	v.problems = append(v.problems, strings.TrimPrefix(at, ".")+": "+fmt.Sprintf(format, args...))
}

func (v *validator) fits(schema object, value interface{}) bool {
	trial := &validator{root: v.root}
	trial.check(schema, value, "")
	return len(trial.problems) == 0
}

func (v *validator) check(schema object, value interface{}, at string) {
	for keyword, rule := range schema {
		switch keyword {
		case "$schema", "title", "description", "definitions", "default", "examples", "then", "else":
		case "$ref":
			v.check(v.definition(rule.(string)), value, at)
		case "type":
			if !isOfType(value, rule) {
				v.fail(at, "Invalid type. Expected: %v, given: %T", rule, value)
			}
		case "enum":
			if !contains(rule.([]interface{}), value) {
				v.fail(at, "%v must be one of %v", value, rule)
			}
		case "const":
			if !reflect.DeepEqual(rule, value) {
				v.fail(at, "must be %v", rule)
			}
		case "properties", "additionalProperties", "patternProperties", "required", "minProperties", "propertyNames":
			if fields, ok := value.(object); ok {
				v.checkObject(keyword, schema, fields, at)
			}
		case "items", "minItems", "uniqueItems":
			if list, ok := value.([]interface{}); ok {
				v.checkList(keyword, rule, list, at)
			}
		case "minimum", "maximum":
			if number, ok := value.(float64); ok && ((keyword == "minimum" && number < rule.(float64)) || (keyword == "maximum" && number > rule.(float64))) {
				v.fail(at, "%v is beyond the %s of %v", number, keyword, rule)
			}
		case "minLength":
			if text, ok := value.(string); ok && len(text) < int(rule.(float64)) {
				v.fail(at, "String length must be greater than or equal to %v", rule)
			}
		case "maxLength":
			if text, ok := value.(string); ok && len(text) > int(rule.(float64)) {
				v.fail(at, "String length must be less than or equal to %v", rule)
			}
		case "pattern":
			if text, ok := value.(string); ok && !regexp.MustCompile(rule.(string)).MatchString(text) {
				v.fail(at, "'%s' does not match pattern '%s'", text, rule)
			}
		case "allOf":
			for _, part := range rule.([]interface{}) {
				v.check(part.(object), value, at)
			}
		case "anyOf", "oneOf":
			v.checkChoice(keyword, rule.([]interface{}), value, at)
		case "not":
			if v.fits(rule.(object), value) {
				v.fail(at, "must not be so")
			}
		case "if":
			branch := "else"
			if v.fits(rule.(object), value) {
				branch = "then"
			}
			if next, ok := schema[branch].(object); ok {
				v.check(next, value, at)
			}
		default:
			v.fail(at, "the schema uses the keyword '%s', which this renderer does not check", keyword)
		}
	}
}

func (v *validator) checkObject(keyword string, schema object, fields object, at string) {
	switch keyword {
	case "required":
		for _, name := range schema[keyword].([]interface{}) {
			if _, ok := fields[name.(string)]; !ok {
				v.fail(at, "%s is required", name)
			}
		}
	case "minProperties":
		if len(fields) < int(schema[keyword].(float64)) {
			v.fail(at, "must have at least %v properties", schema[keyword])
		}
	case "propertyNames":
		for name := range fields {
			v.check(schema[keyword].(object), name, at+"."+name)
		}
	case "properties":
		for name, rule := range schema[keyword].(object) {
			if value, ok := fields[name]; ok {
				v.check(rule.(object), value, at+"."+name)
			}
		}
	case "patternProperties":
		for pattern, rule := range schema[keyword].(object) {
			for name, value := range fields {
				if regexp.MustCompile(pattern).MatchString(name) {
					v.check(rule.(object), value, at+"."+name)
				}
			}
		}
	case "additionalProperties":
		v.checkAdditional(schema, fields, at)
	}
}

func (v *validator) checkAdditional(schema object, fields object, at string) {
	known, _ := schema["properties"].(object)
	patterns, _ := schema["patternProperties"].(object)
	for name, value := range fields {
		if _, ok := known[name]; ok || matchesAny(patterns, name) {
			continue
		}
		if allowed, isBool := schema["additionalProperties"].(bool); isBool && !allowed {
			v.fail(at, "Additional property %s is not allowed", name)
		} else if rule, isSchema := schema["additionalProperties"].(object); isSchema {
			v.check(rule, value, at+"."+name)
		}
	}
}

func (v *validator) checkList(keyword string, rule interface{}, list []interface{}, at string) {
	switch keyword {
	case "items":
		for i, item := range list {
			v.check(rule.(object), item, fmt.Sprintf("%s.%d", at, i))
		}
	case "minItems":
		if len(list) < int(rule.(float64)) {
			v.fail(at, "Array must have at least %v items", rule)
		}
	case "uniqueItems":
		for i, item := range list {
			if contains(list[i+1:], item) {
				v.fail(at, "%v stands there twice", item)
			}
		}
	}
}

func (v *validator) checkChoice(keyword string, choices []interface{}, value interface{}, at string) {
	fitting := 0
	for _, choice := range choices {
		if v.fits(choice.(object), value) {
			fitting++
		}
	}
	if fitting == 0 || (keyword == "oneOf" && fitting > 1) {
		v.fail(at, "fits %d of the %d schemas of %s", fitting, len(choices), keyword)
	}
}

func (v *validator) definition(reference string) object {
	definitions, _ := v.root["definitions"].(object)
	found, ok := definitions[strings.TrimPrefix(reference, "#/definitions/")].(object)
	if !ok {
		panic("the schema refers to " + reference + ", which it does not define")
	}
	return found
}

func isOfType(value interface{}, rule interface{}) bool {
	if several, ok := rule.([]interface{}); ok {
		for _, one := range several {
			if isOfType(value, one) {
				return true
			}
		}
		return false
	}
	switch rule {
	case "object":
		_, ok := value.(object)
		return ok
	case "array":
		_, ok := value.([]interface{})
		return ok
	case "string":
		_, ok := value.(string)
		return ok
	case "boolean":
		_, ok := value.(bool)
		return ok
	case "number":
		_, ok := value.(float64)
		return ok
	case "integer":
		number, ok := value.(float64)
		return ok && number == float64(int64(number))
	case "null":
		return value == nil
	}
	panic(fmt.Sprintf("the schema names the type %v", rule))
}

func contains(list []interface{}, value interface{}) bool {
	for _, item := range list {
		if reflect.DeepEqual(item, value) {
			return true
		}
	}
	return false
}

func matchesAny(patterns object, name string) bool {
	for pattern := range patterns {
		if regexp.MustCompile(pattern).MatchString(name) {
			return true
		}
	}
	return false
}
