package com.gptdesk.chat.service.scim;

import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * A person as an identity provider tells of them: the attributes of SCIM's user that are kept,
 * under their canonical names. Others are passed over, as is a password. Of one request, so not
 * thread-safe.
 */
final class ScimUser {
  private static final JsonMapper JSON = JsonMapper.shared();

  /** Of one attribute. */
  private static final int MOST_VALUES = 50;

  private static final Set<String> TEXTS =
      Set.of(
          "userName",
          "externalId",
          "displayName",
          "nickName",
          "profileUrl",
          "title",
          "userType",
          "preferredLanguage",
          "locale",
          "timezone");
  private static final Set<String> LISTS =
      Set.of("emails", "phoneNumbers", "photos", "addresses", "entitlements", "roles");
  private static final Map<String, String> CANONICAL =
      canonical(
          Stream.of(TEXTS, LISTS, Set.of("active", "name", ScimPath.ENTERPRISE))
              .flatMap(Set::stream));
  private static final Map<String, String> PARTS_OF_NAME =
      canonical(
          Stream.of(
              "formatted",
              "familyName",
              "givenName",
              "middleName",
              "honorificPrefix",
              "honorificSuffix"));
  private static final Map<String, String> OF_ENTERPRISE =
      canonical(
          Stream.of(
              "employeeNumber", "costCenter", "organization", "division", "department", "manager"));

  /** Of a value in a list; others are kept under the names that they come with. */
  private static final Map<String, String> OF_LISTS =
      canonical(
          Stream.of(
              "value",
              "display",
              "type",
              "primary",
              "formatted",
              "streetAddress",
              "locality",
              "region",
              "postalCode",
              "country"));

  private final ObjectNode told;

  private ScimUser(ObjectNode told) {
    this.told = told;
  }

  private static Map<String, String> canonical(Stream<String> names) {
    return names.collect(
        Collectors.toMap(name -> name.toLowerCase(Locale.ROOT), Function.identity()));
  }

  /**
   * As a request tells of them.
   *
   * @throws ScimError a value is of another kind than its attribute
   */
  static ScimUser of(JsonNode body) {
    if (!body.isObject()) {
      throw ScimError.invalidSyntax("The body is no JSON object.");
    }
    ScimUser user = new ScimUser(JSON.createObjectNode());
    body.properties().forEach(each -> user.set(each.getKey(), each.getValue()));
    user.demandName();
    return user;
  }

  private void demandName() {
    if (text("userName") == null) {
      throw ScimError.invalidValue("The attribute userName is missing.");
    }
  }

  /** As it was stored. */
  static ScimUser of(ScimPerson stored) {
    ObjectNode told = (ObjectNode) JSON.readTree(stored.attributes());
    told.put("userName", stored.userName());
    if (stored.externalId() != null) {
      told.put("externalId", stored.externalId());
    }
    told.put("active", stored.isActive());
    return new ScimUser(told);
  }

  /** The id that a text names; null for a text that is no id. */
  static @Nullable UUID idOf(String text) {
    try {
      return text.length() == 36 ? UUID.fromString(text) : null;
    } catch (IllegalArgumentException e) {
      return null;
    }
  }

  String userName() {
    return String.valueOf(text("userName"));
  }

  @Nullable String externalId() {
    return text("externalId");
  }

  /** Null when it is not told. */
  @Nullable Boolean active() {
    JsonNode active = told.get("active");
    return active == null ? null : active.booleanValue();
  }

  /** The primary address, else the first, else the user's name where it is one. */
  @Nullable String email() {
    String address = valueOf("emails");
    return address != null ? address : userName().contains("@") ? userName() : null;
  }

  /** The name to show; null when none is told. */
  @Nullable String fullName() {
    String shown = text("displayName");
    if (shown != null) {
      return shown;
    }
    JsonNode name = told.path("name");
    if (name.path("formatted").isString()) {
      return name.path("formatted").stringValue();
    }
    String parts =
        Stream.of("givenName", "familyName")
            .map(name::path)
            .filter(JsonNode::isString)
            .map(JsonNode::stringValue)
            .collect(Collectors.joining(" "));
    return parts.isBlank() ? null : parts;
  }

  /** The address of a picture; null when none is told. */
  @Nullable String picture() {
    return valueOf("photos");
  }

  /**
   * The team that an attribute of the enterprise extension names.
   *
   * @return null for none
   */
  @Nullable String team(@Nullable String attribute) {
    JsonNode team = attribute == null ? null : told.path(ScimPath.ENTERPRISE).get(attribute);
    return team != null && team.isString() && !team.stringValue().isBlank()
        ? team.stringValue()
        : null;
  }

  /** What is stored as it was told: all that has no column of its own. */
  String attributes() {
    ObjectNode others = told.deepCopy();
    others.remove(List.of("userName", "externalId", "active"));
    return JSON.writeValueAsString(others);
  }

  /** All that was told, for a response. */
  ObjectNode json() {
    return told.deepCopy();
  }

  private @Nullable String text(String attribute) {
    JsonNode value = told.get(attribute);
    return value == null || value.stringValue().isBlank() ? null : value.stringValue();
  }

  private @Nullable String valueOf(String list) {
    JsonNode chosen = null;
    for (JsonNode each : told.path(list)) {
      if (each.path("value").isString()
          && (chosen == null || each.path("primary").asBoolean(false))) {
        chosen = each.path("value");
      }
    }
    return chosen == null ? null : chosen.stringValue();
  }

  // ---- changes --------------------------------------------------------------------------------

  /**
   * Applies a PATCH.
   *
   * @throws ScimError an operation cannot be read, or not be applied
   */
  void apply(JsonNode patch) {
    JsonNode operations = member(patch, "operations");
    if (operations == null || !operations.isArray() || operations.isEmpty()) {
      throw ScimError.invalidSyntax("There are no Operations.");
    }
    for (JsonNode operation : operations) {
      JsonNode named = member(operation, "op");
      String op = named != null && named.isString() ? named.stringValue() : "";
      JsonNode path = member(operation, "path");
      JsonNode value = member(operation, "value");
      switch (op.toLowerCase(Locale.ROOT)) {
        case "add" -> change(false, path, value);
        case "replace" -> change(true, path, value);
        case "remove" -> {
          if (path == null || !path.isString()) {
            throw new ScimError(400, "noTarget", "An operation remove needs a path.");
          }
          remove(ScimPath.of(path.stringValue()), value);
        }
        default -> throw ScimError.invalidSyntax("An operation is add, replace or remove.");
      }
    }
    demandName();
  }

  private void change(boolean replaces, @Nullable JsonNode path, @Nullable JsonNode value) {
    if (value == null) {
      throw ScimError.invalidValue("An operation has no value.");
    }
    if (path != null && path.isString()) {
      change(replaces, ScimPath.of(path.stringValue()), value);
    } else if (path == null && value.isObject()) {
      value
          .properties()
          .forEach(each -> change(replaces, ScimPath.of(each.getKey()), each.getValue()));
    } else {
      throw ScimError.invalidSyntax("An operation has a path, or an object as its value.");
    }
  }

  private void change(boolean replaces, ScimPath path, JsonNode value) {
    String attribute = attributeOf(path);
    String within = path.isOfEnterprise() ? path.attribute() : path.part();
    if (attribute == null) {
      return;
    }
    if (LISTS.contains(attribute)) {
      changeList(replaces, attribute, path, value);
    } else if (!isObject(attribute)) {
      demandWhole(path);
      set(attribute, value);
    } else if (within == null) {
      merge(attribute, value);
    } else {
      merge(attribute, nested(within, path.isOfEnterprise() ? path.part() : null, value));
    }
  }

  private static JsonNode nested(String name, @Nullable String part, JsonNode value) {
    ObjectNode object = JSON.createObjectNode();
    if (part == null) {
      object.set(name, value);
    } else {
      object.putObject(name).set(part, value);
    }
    return object;
  }

  private void remove(ScimPath path, @Nullable JsonNode value) {
    String attribute = attributeOf(path);
    String within = path.isOfEnterprise() ? path.attribute() : path.part();
    if (attribute == null) {
      return;
    }
    if (LISTS.contains(attribute)) {
      removeFromList(attribute, path, value);
    } else if (attribute.equals("userName") || attribute.equals("active")) {
      throw ScimError.invalidValue("The attribute " + attribute + " cannot be removed.");
    } else if (within == null || !isObject(attribute)) {
      told.remove(attribute);
    } else {
      merge(attribute, nested(within, null, JSON.nullNode()));
    }
  }

  private void changeList(boolean replaces, String attribute, ScimPath path, JsonNode value) {
    if (path.key() == null && path.part() == null) {
      ArrayNode list = replaces ? JSON.createArrayNode() : list(attribute);
      for (JsonNode each : value.isArray() ? value : JSON.createArrayNode().add(value)) {
        add(list, element(each));
      }
      set(attribute, list);
      return;
    }
    ArrayNode list = list(attribute);
    List<ObjectNode> targets = targets(list, path);
    if (targets.isEmpty()) {
      // Strictly there is no target; providers mean that it is to be made.
      ObjectNode made = list.addObject();
      if (path.key() != null) {
        made.set(ofList(path.key()), literal(String.valueOf(path.value())));
      }
      targets = List.of(made);
    }
    ObjectNode changed = element(path.part() == null ? value : nested(path.part(), null, value));
    targets.forEach(target -> target.setAll(changed));
    set(attribute, list);
  }

  private void removeFromList(String attribute, ScimPath path, @Nullable JsonNode value) {
    ArrayNode list = list(attribute);
    List<ObjectNode> targets = targets(list, path);
    if (path.part() != null) {
      String part = ofList(path.part());
      targets.forEach(target -> target.remove(part));
    } else if (path.key() == null && value != null && !value.isNull()) {
      Set<JsonNode> named =
          (value.isArray() ? value.valueStream() : Stream.of(value))
              .map(each -> element(each).path("value"))
              .collect(Collectors.toSet());
      list.removeIf(each -> named.contains(each.path("value")));
    } else {
      Set<JsonNode> gone = Collections.newSetFromMap(new IdentityHashMap<>());
      gone.addAll(targets);
      list.removeIf(gone::contains);
    }
    set(attribute, list);
  }

  private static List<ObjectNode> targets(ArrayNode list, ScimPath path) {
    List<ObjectNode> targets = new ArrayList<>();
    for (JsonNode each : list) {
      if (each instanceof ObjectNode object
          && (path.key() == null
              || object.path(ofList(path.key())).asString("").equalsIgnoreCase(path.value()))) {
        targets.add(object);
      }
    }
    return targets;
  }

  private static String ofList(String part) {
    return OF_LISTS.getOrDefault(part.toLowerCase(Locale.ROOT), part);
  }

  private static JsonNode literal(String text) {
    return text.equalsIgnoreCase("true") || text.equalsIgnoreCase("false")
        ? JSON.getNodeFactory().booleanNode(text.equalsIgnoreCase("true"))
        : JSON.getNodeFactory().stringNode(text);
  }

  /** One of a list may be primary: the one that comes last. */
  private static void add(ArrayNode list, ObjectNode element) {
    for (JsonNode each : list) {
      if (each.equals(element)) {
        return;
      }
      if (element.path("primary").asBoolean(false) && each instanceof ObjectNode other) {
        other.remove("primary");
      }
    }
    list.add(element);
  }

  /** A copy of what is there. */
  private ArrayNode list(String attribute) {
    return told.get(attribute) instanceof ArrayNode list ? list.deepCopy() : JSON.createArrayNode();
  }

  private static ObjectNode element(JsonNode value) {
    ObjectNode element = JSON.createObjectNode();
    if (value.isObject()) {
      for (Map.Entry<String, JsonNode> each : value.properties()) {
        String part = ofList(each.getKey());
        if (part.equals("primary") && !each.getValue().isNull()) {
          element.put(part, truth(part, each.getValue()));
        } else {
          element.set(part, each.getValue());
        }
      }
      return element;
    }
    if (value.isString()) {
      element.set("value", value);
      return element;
    }
    throw ScimError.invalidValue("A value of a list is an object.");
  }

  /** The attribute's canonical name; null for one that is passed over. */
  private static @Nullable String attributeOf(ScimPath path) {
    if (path.isOfEnterprise()) {
      return ScimPath.ENTERPRISE;
    }
    String name = String.valueOf(path.attribute());
    if (name.equalsIgnoreCase("id") || name.equalsIgnoreCase("meta")) {
      throw new ScimError(400, "mutability", "The attribute " + name + " is the chat's own.");
    }
    return CANONICAL.get(name.toLowerCase(Locale.ROOT));
  }

  private static boolean isObject(String attribute) {
    return attribute.equals("name") || attribute.equals(ScimPath.ENTERPRISE);
  }

  private static void demandWhole(ScimPath path) {
    if (path.key() != null || path.part() != null) {
      throw new ScimError(
          400, "invalidPath", "The attribute " + path.attribute() + " has no parts.");
    }
  }

  private void merge(String attribute, JsonNode value) {
    if (!value.isObject()) {
      throw ScimError.invalidValue("The attribute " + attribute + " is an object.");
    }
    ObjectNode merged =
        told.get(attribute) instanceof ObjectNode known
            ? known.deepCopy()
            : JSON.createObjectNode();
    merged.setAll(canonicalParts(attribute, value));
    set(attribute, merged);
  }

  private static ObjectNode canonicalParts(String attribute, JsonNode value) {
    Map<String, String> parts = attribute.equals("name") ? PARTS_OF_NAME : OF_ENTERPRISE;
    ObjectNode canonical = JSON.createObjectNode();
    for (Map.Entry<String, JsonNode> each : value.properties()) {
      String part = parts.get(each.getKey().toLowerCase(Locale.ROOT));
      if (part != null) {
        canonical.set(part, each.getValue());
      }
    }
    return canonical;
  }

  /** Takes an attribute that is known, of its kind; null removes it. */
  private void set(String name, JsonNode value) {
    String attribute = CANONICAL.get(ScimPath.withoutCore(name).toLowerCase(Locale.ROOT));
    if (attribute == null) {
      return;
    }
    if (value.isNull()) {
      told.remove(attribute);
    } else if (attribute.equals("active")) {
      told.put(attribute, truth(attribute, value));
    } else if (TEXTS.contains(attribute)) {
      if (!value.isString()) {
        throw ScimError.invalidValue("The attribute " + attribute + " is a text.");
      }
      told.set(attribute, value);
    } else if (LISTS.contains(attribute)) {
      setList(attribute, value);
    } else {
      if (!value.isObject()) {
        throw ScimError.invalidValue("The attribute " + attribute + " is an object.");
      }
      ObjectNode parts = canonicalParts(attribute, value);
      parts.removeIf(JsonNode::isNull);
      told.set(attribute, parts);
    }
  }

  private void setList(String attribute, JsonNode value) {
    ArrayNode list = JSON.createArrayNode();
    for (JsonNode each : value.isArray() ? value : JSON.createArrayNode().add(value)) {
      list.add(element(each));
    }
    if (list.size() > MOST_VALUES) {
      throw ScimError.invalidValue(
          "The attribute " + attribute + " has at most " + MOST_VALUES + " values.");
    }
    if (list.isEmpty()) {
      told.remove(attribute);
    } else {
      told.set(attribute, list);
    }
  }

  /** Some providers write the word. */
  private static boolean truth(String attribute, JsonNode value) {
    if (value.isBoolean()) {
      return value.booleanValue();
    }
    return switch (value.isString() ? value.stringValue().toLowerCase(Locale.ROOT) : "") {
      case "true" -> true;
      case "false" -> false;
      default -> throw ScimError.invalidValue("The attribute " + attribute + " is true or false.");
    };
  }

  /** Names of members do not depend on case. */
  private static @Nullable JsonNode member(JsonNode object, String lowerCaseName) {
    for (Map.Entry<String, JsonNode> each : object.properties()) {
      if (each.getKey().toLowerCase(Locale.ROOT).equals(lowerCaseName)) {
        return each.getValue();
      }
    }
    return null;
  }
}
