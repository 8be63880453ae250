package com.gptdesk.chat.service.scim;

import com.gptdesk.chat.database.Refusal;
import com.gptdesk.chat.database.StorableText;
import com.gptdesk.chat.database.connection.DatabaseUnavailable;
import com.gptdesk.chat.service.http.RateLimiter;
import com.gptdesk.chat.service.http.Reply;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * SCIM 2.0 for users. Blocks while the database works, so call it on a virtual thread. Thread-safe.
 */
public final class ScimEndpoint {
  /** Where it is served. */
  public static final String PREFIX = "/scim/v2";

  static final String MEDIA_TYPE = "application/scim+json; charset=utf-8";

  private static final Logger LOG = LoggerFactory.getLogger(ScimEndpoint.class);

  /** Operations of the RFC that a provider may leave out. */
  private static final Set<String> NOT_SUPPORTED = Set.of("Bulk", "Me");

  private static final JsonMapper JSON =
      JsonMapper.builder(
              JsonFactory.builder()
                  .streamReadConstraints(
                      StreamReadConstraints.builder().maxNestingDepth(32).build())
                  .build())
          .build();

  private final ScimPeople people;
  private final ScimSettings settings;
  private final String authorization;
  private final RateLimiter<String> rate;

  /**
   * @param token the bearer token of identity providers
   */
  public ScimEndpoint(ScimPeople people, ScimSettings settings, String token) {
    this.people = people;
    this.settings = settings;
    this.authorization = "Bearer " + token;
    this.rate = new RateLimiter<>(settings.maxRequestsPerSecond());
  }

  /**
   * A request.
   *
   * @param path after {@link #PREFIX}
   * @param query the first value of each parameter
   * @param ifMatch the versions that may be changed; null for any
   * @param ifNoneMatch the versions that the client has; null for none
   */
  public record Request(
      String method,
      String path,
      Map<String, String> query,
      @Nullable String authorization,
      @Nullable String ifMatch,
      @Nullable String ifNoneMatch,
      ByteBuffer body) {}

  /** Answers; an error, too, in SCIM's form. */
  public Reply answer(Request request) {
    try {
      demandToken(request.authorization());
      if (!rate.take("", 1)) {
        throw new ScimError(
            429, null, "At most " + settings.maxRequestsPerSecond() + " requests a second.");
      }
      return answered(request);
    } catch (ScimError e) {
      return e.reply();
    } catch (Refusal e) {
      return of(e).reply();
    } catch (DatabaseUnavailable e) {
      LOG.warn("SCIM: the database is away: {}", String.valueOf(e.getMessage()));
      return new ScimError(503, null, "The database cannot be reached now.").reply();
    } catch (RuntimeException e) {
      LOG.error("SCIM: {} {} failed", request.method(), request.path(), e);
      return new ScimError(500, null, "An internal fault; the log has the cause.").reply();
    }
  }

  private void demandToken(@Nullable String given) {
    if (given == null
        || !MessageDigest.isEqual(
            authorization.getBytes(StandardCharsets.UTF_8),
            given.getBytes(StandardCharsets.UTF_8))) {
      throw new ScimError(401, null, "The bearer token is missing or another one.");
    }
  }

  private static ScimError of(Refusal refusal) {
    String message =
        refusal.hint() == null
            ? String.valueOf(refusal.getMessage())
            : refusal.getMessage() + " " + refusal.hint();
    return switch (refusal.reason()) {
      case CONFLICT -> new ScimError(409, "uniqueness", message);
      case NOT_FOUND -> new ScimError(404, null, message);
      case INVALID, TOO_LONG -> ScimError.invalidValue(message);
      case NOT_ALLOWED -> new ScimError(403, null, message);
      case LOST_RACE, TOO_SLOW -> new ScimError(503, null, message);
      case READ_ONLY, OTHER -> throw refusal;
    };
  }

  private Reply answered(Request request) {
    List<String> path = List.of(request.path().replaceFirst("^/+", "").split("/", -1));
    String method = request.method();
    if (NOT_SUPPORTED.contains(path.getFirst()) || path.getLast().equals(".search")) {
      throw new ScimError(
          501, null, "Bulk, Me and .search are not supported; see /ServiceProviderConfig.");
    }
    if (path.getFirst().equals("Groups")) {
      throw new ScimError(
          404, null, "Groups are not served, Users alone; /ResourceTypes says so, too.");
    }
    if (path.size() > 2) {
      throw notFound();
    }
    String id = path.size() == 2 ? path.get(1) : null;
    return switch (path.getFirst()) {
      case "Users" -> id == null || id.isEmpty() ? users(request) : user(request, id);
      case "ServiceProviderConfig" -> {
        demandReading(method);
        ObjectNode config = (ObjectNode) ScimDocuments.SERVICE_PROVIDER_CONFIG.deepCopy();
        ((ObjectNode) config.path("filter")).put("maxResults", settings.maxResults());
        yield json(200, config);
      }
      case "ResourceTypes" -> document(method, ScimDocuments.RESOURCE_TYPES, id);
      case "Schemas" -> document(method, ScimDocuments.SCHEMAS, id);
      default -> throw notFound();
    };
  }

  private static Reply document(String method, ArrayNode all, @Nullable String id) {
    demandReading(method);
    if (id == null) {
      return json(200, list(all, all.size(), 1));
    }
    for (JsonNode each : all) {
      if (each.path("id").asString("").equals(id)) {
        return json(200, each);
      }
    }
    throw notFound();
  }

  private Reply users(Request request) {
    return switch (request.method()) {
      case "GET", "HEAD" -> found(request.query());
      case "POST" -> {
        ScimPerson added = people.add(ScimUser.of(body(request)));
        LOG.info("SCIM added the person {}", added.id());
        yield person(201, added).withHeader("Location", location(added.id()));
      }
      default -> throw notAllowed();
    };
  }

  private Reply user(Request request, String text) {
    UUID id = ScimUser.idOf(text);
    if (id == null) {
      throw notFound();
    }
    Consumer<ScimPerson> condition =
        person -> ScimVersion.demand(request.ifMatch(), version(resource(person)));
    return switch (request.method()) {
      case "GET", "HEAD" -> read(people.of(id), request.ifNoneMatch());
      case "PUT" -> {
        ScimUser user = ScimUser.of(body(request));
        yield changed(people.replace(id, user, condition));
      }
      case "PATCH" -> {
        JsonNode patch = body(request);
        yield changed(people.change(id, user -> user.apply(patch), condition));
      }
      case "DELETE" -> {
        people.remove(id, condition);
        LOG.info("SCIM deleted the person {}, who is inactive now", id);
        yield Reply.noContent();
      }
      default -> throw notAllowed();
    };
  }

  private static Reply changed(ScimPerson person) {
    LOG.info(
        "SCIM changed the person {}, who is {}",
        person.id(),
        person.isActive() ? "active" : "inactive");
    return person(200, person);
  }

  private static Reply read(ScimPerson person, @Nullable String ifNoneMatch) {
    String version = version(resource(person));
    return ifNoneMatch != null && ScimVersion.names(ifNoneMatch, version)
        ? new Reply(304, null, Map.of("ETag", version), null)
        : person(200, person);
  }

  private static Reply person(int status, ScimPerson person) {
    ObjectNode resource = resource(person);
    return json(status, resource).withHeader("ETag", version(resource));
  }

  private static String version(ObjectNode resource) {
    return resource.path("meta").path("version").stringValue();
  }

  private Reply found(Map<String, String> query) {
    ScimFilter filter = ScimFilter.of(query.get("filter"));
    long start = Math.max(1, number(query, "startIndex", 1));
    long count =
        Math.clamp(number(query, "count", settings.maxResults()), 0, settings.maxResults());
    ScimPeople.Page page = people.find(filter, start - 1, (int) count);
    ArrayNode resources = JSON.createArrayNode();
    page.people().forEach(person -> resources.add(resource(person)));
    return json(200, list(resources, page.total(), start));
  }

  private static long number(Map<String, String> query, String name, int otherwise) {
    String text = query.get(name);
    try {
      return text == null ? otherwise : Integer.parseInt(text);
    } catch (NumberFormatException e) {
      throw ScimError.invalidValue(name + " is a whole number.");
    }
  }

  private static ObjectNode list(ArrayNode resources, long total, long start) {
    ObjectNode list = JSON.createObjectNode();
    list.putArray("schemas").add("urn:ietf:params:scim:api:messages:2.0:ListResponse");
    list.put("totalResults", total);
    list.put("startIndex", start);
    list.put("itemsPerPage", resources.size());
    list.set("Resources", resources);
    return list;
  }

  private static ObjectNode resource(ScimPerson person) {
    ObjectNode told = ScimUser.of(person).json();
    ObjectNode resource = JSON.createObjectNode();
    ArrayNode schemas = resource.putArray("schemas").add(ScimPath.CORE);
    if (told.has(ScimPath.ENTERPRISE)) {
      schemas.add(ScimPath.ENTERPRISE);
    }
    resource.put("id", person.id().toString());
    resource.setAll(told);
    if (!told.has("displayName")) {
      resource.put("displayName", person.fullName());
    }
    if (!told.has("emails")) {
      resource
          .putArray("emails")
          .addObject()
          .put("value", person.email())
          .put("type", "work")
          .put("primary", true);
    }
    ObjectNode meta = resource.putObject("meta").put("resourceType", "User");
    if (person.created() != null) {
      meta.put("created", person.created().toInstant().toString());
    }
    if (person.changed() != null) {
      meta.put("lastModified", person.changed().toInstant().toString());
    }
    meta.put("location", location(person.id()));
    meta.put("version", ScimVersion.of(resource));
    return resource;
  }

  private static String location(UUID id) {
    return PREFIX + "/Users/" + id;
  }

  private static Reply json(int status, JsonNode body) {
    return new Reply(status, MEDIA_TYPE, Map.of(), JSON.writeValueAsString(body));
  }

  private static JsonNode body(Request request) {
    try {
      String text =
          StandardCharsets.UTF_8.newDecoder().decode(request.body().duplicate()).toString();
      JsonNode body = JSON.readTree(StorableText.ofJson(text));
      if (body == null || !body.isObject()) {
        throw ScimError.invalidSyntax("The body is no JSON object.");
      }
      return body;
    } catch (CharacterCodingException | JacksonException e) {
      throw ScimError.invalidSyntax("The body is no JSON object, or is nested too deeply.");
    }
  }

  private static void demandReading(String method) {
    if (!method.equals("GET") && !method.equals("HEAD")) {
      throw notAllowed();
    }
  }

  private static ScimError notFound() {
    return new ScimError(404, null, "There is no such resource.");
  }

  private static ScimError notAllowed() {
    return new ScimError(405, null, "This resource has no such method.");
  }
}
