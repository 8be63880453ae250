package com.gptdesk.chat.testing;

import com.gptdesk.chat.database.connection.Login;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.reflect.Constructor;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;
import org.junit.jupiter.api.extension.ExtensionContext.Store;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;
import org.testcontainers.containers.GenericContainer;
import org.testcontainers.containers.wait.strategy.Wait;

/** What {@link ChatDatabase} does. */
final class ChatDatabaseExtension implements ParameterResolver, AfterEachCallback {

  private static final Namespace NAMESPACE = Namespace.create(ChatDatabaseExtension.class);
  private static final Pattern VARIABLE = Pattern.compile("\\$\\{([^}]+)}");

  /** By their superusers, as are the scripts that they have. */
  private static final Map<Login, ChatTestDatabase> SHARED = new HashMap<>();

  private static final Map<Login, Set<String>> DONE = new HashMap<>();

  /** Created by JUnit. */
  ChatDatabaseExtension() {}

  @Override
  public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
    return parameter.getParameter().getType() == ChatTestDatabase.class
        && !(parameter.getDeclaringExecutable() instanceof Constructor)
        && context.getTestMethod().isPresent();
  }

  @Override
  public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
    Store store = context.getStore(NAMESPACE);
    ChatTestDatabase database = store.get(ChatTestDatabase.class, ChatTestDatabase.class);
    if (database == null) {
      database = opened(wanted(context.getRequiredTestClass()));
      store.put(ChatTestDatabase.class, database);
    }
    return database;
  }

  @Override
  public void afterEach(ExtensionContext context) {
    ChatTestDatabase used =
        context.getStore(NAMESPACE).remove(ChatTestDatabase.class, ChatTestDatabase.class);
    if (used != null) {
      used.close();
    }
  }

  /** Of the class, or of the one around it. */
  private static ChatDatabase wanted(Class<?> test) {
    for (Class<?> type = test; type != null; type = type.getEnclosingClass()) {
      ChatDatabase wanted = type.getAnnotation(ChatDatabase.class);
      if (wanted != null) {
        return wanted;
      }
    }
    throw new IllegalStateException("%s has no @ChatDatabase".formatted(test));
  }

  private static ChatTestDatabase opened(ChatDatabase wanted) {
    String image = resolved(wanted.image());
    String url = resolved(wanted.url());
    if (!image.isEmpty() && !url.isEmpty()) {
      throw new IllegalStateException("@ChatDatabase has an image and a url: choose one");
    }
    if (!url.isEmpty()) {
      return shared(
          new Login(url, resolved(wanted.user()), resolved(wanted.password())), wanted.scripts());
    }
    ChatTestDatabase database =
        image.isEmpty() ? ChatTestDatabase.fresh() : Containers.fresh(image);
    try {
      for (String script : wanted.scripts()) {
        database.asOwner(textOf(script));
      }
      return database;
    } catch (RuntimeException e) {
      database.close();
      throw e;
    }
  }

  /** One for all tests of this JVM, with each script once. */
  private static ChatTestDatabase shared(Login superuser, String[] scripts) {
    synchronized (SHARED) {
      ChatTestDatabase database = SHARED.computeIfAbsent(superuser, ChatTestDatabase::in);
      Set<String> done = DONE.computeIfAbsent(superuser, login -> new HashSet<>());
      for (String script : scripts) {
        if (!done.contains(script)) {
          database.asOwner(textOf(script));
          done.add(script);
        }
      }
      return database;
    }
  }

  private static String resolved(String text) {
    return VARIABLE
        .matcher(text)
        .replaceAll(found -> Matcher.quoteReplacement(variable(found.group(1))));
  }

  private static String variable(String name) {
    String property = System.getProperty(name);
    String value = property != null ? property : System.getenv(name);
    if (value == null) {
      throw new IllegalStateException(
          "@ChatDatabase wants the system property or the variable %s, which is not set"
              .formatted(name));
    }
    return value;
  }

  private static String textOf(String script) {
    try (InputStream resource = ChatDatabaseExtension.class.getResourceAsStream(script)) {
      if (resource == null) {
        throw new IllegalStateException(script + " is not on the class path");
      }
      return new String(resource.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Loaded only where an image is wanted. */
  private static final class Containers {

    private static final int PORT = 5432;
    private static final Map<String, ChatTestDatabase.Template> RUNNING = new ConcurrentHashMap<>();

    static ChatTestDatabase fresh(String image) {
      return RUNNING.computeIfAbsent(image, Containers::start).copy();
    }

    /** Testcontainers ends it with the JVM. */
    @SuppressWarnings("resource")
    private static ChatTestDatabase.Template start(String image) {
      GenericContainer<?> container =
          new GenericContainer<>(image)
              .withEnv("POSTGRES_PASSWORD", "test")
              .withCommand("postgres", "-c", "fsync=off")
              .withExposedPorts(PORT)
              // The image starts the server twice: first to set it up.
              .waitingFor(
                  Wait.forLogMessage(".*ready to accept connections.*\\s", 2)
                      .withStartupTimeout(Duration.ofMinutes(5)));
      container.start();
      return ChatTestDatabase.Template.on(
          new Login(
              "jdbc:postgresql://%s:%d/postgres"
                  .formatted(container.getHost(), container.getMappedPort(PORT)),
              "postgres",
              "test"));
    }
  }
}
