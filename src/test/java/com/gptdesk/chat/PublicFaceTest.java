package com.gptdesk.chat;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.gptdesk.chat.database.ChatDatabase;
import java.io.IOException;
import java.lang.reflect.Constructor;
import java.lang.reflect.Executable;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.RecordComponent;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * The library's public face: every type, method and field that a program sees that uses it. It is
 * written down in a file, so that it grows on purpose only. What Javadoc leaves out is left out
 * here, and so are the tables that jOOQ generates.
 */
class PublicFaceTest {

  private static final Path FACE = Path.of("src/test/resources/library-face.txt");
  private static final String REGENERATE =
      "scripts/maven test-compile surefire:test -Dtest=PublicFaceTest -Dchat.regenerate=true";

  /** A package that Javadoc leaves out. */
  private static final Pattern EXCLUDED =
      Pattern.compile("<exclude>com/gptdesk/chat/(\\S+)/\\*\\*</exclude>");

  @Test
  void theFaceIsAsWrittenDown() throws IOException, URISyntaxException {
    String face = String.join("\n", face()) + "\n";
    if (Boolean.getBoolean("chat.regenerate")) {
      Files.writeString(FACE, face);
    } else {
      assertEquals(
          Files.readString(FACE), face, "the library's public face is another; run " + REGENERATE);
    }
  }

  private static List<String> face() throws IOException, URISyntaxException {
    List<String> excluded =
        Stream.concat(
                Stream.of("jooq/"),
                EXCLUDED
                    .matcher(Files.readString(Path.of("pom.xml")))
                    .results()
                    .map(exclude -> exclude.group(1) + "/"))
            .toList();
    Path root =
        Path.of(ChatDatabase.class.getProtectionDomain().getCodeSource().getLocation().toURI())
            .resolve("com/gptdesk/chat");
    List<String> face = new ArrayList<>();
    try (Stream<Path> files = Files.walk(root)) {
      for (String name : files.map(file -> root.relativize(file).toString()).sorted().toList()) {
        if (name.endsWith(".class") && excluded.stream().noneMatch(name::startsWith)) {
          Class<?> type = load(name.substring(0, name.length() - ".class".length()));
          if (isSeen(type)) {
            face.add(shown(type));
            face.addAll(membersOf(type));
          }
        }
      }
    }
    return face;
  }

  private static Class<?> load(String name) {
    try {
      return Class.forName(
          "com.gptdesk.chat." + name.replace('/', '.'),
          false,
          PublicFaceTest.class.getClassLoader());
    } catch (ClassNotFoundException e) {
      throw new IllegalStateException(e);
    }
  }

  private static boolean isSeen(Class<?> type) {
    Class<?> outer = type.getDeclaringClass();
    return isSeen(type.getModifiers())
        && !type.isSynthetic()
        && !type.isAnonymousClass()
        && !type.isLocalClass()
        && (outer == null || isSeen(outer));
  }

  private static boolean isSeen(int modifiers) {
    return Modifier.isPublic(modifiers) || Modifier.isProtected(modifiers);
  }

  private static String shown(Class<?> type) {
    String kind =
        type.isRecord()
            ? "record"
            : type.isEnum() ? "enum" : type.isInterface() ? "interface" : "class";
    String components =
        type.isRecord()
            ? Arrays.stream(type.getRecordComponents())
                .map(RecordComponent::getType)
                .map(Class::getSimpleName)
                .collect(Collectors.joining(", ", "(", ")"))
            : "";
    return kind + " " + type.getName().replace("com.gptdesk.chat.", "") + components;
  }

  /** Sorted; without what every record and enum has. */
  private static TreeSet<String> membersOf(Class<?> type) {
    TreeSet<String> members = new TreeSet<>();
    for (Field field : type.getDeclaredFields()) {
      if (isSeen(field.getModifiers()) && !field.isSynthetic()) {
        members.add("  " + prefix(field.getModifiers()) + field.getName());
      }
    }
    if (!type.isRecord()) {
      for (Constructor<?> constructor : type.getDeclaredConstructors()) {
        if (isSeen(constructor.getModifiers()) && !constructor.isSynthetic()) {
          members.add("  " + prefix(constructor.getModifiers()) + "new" + parameters(constructor));
        }
      }
    }
    for (Method method : type.getDeclaredMethods()) {
      if (isSeen(method.getModifiers())
          && !method.isSynthetic()
          && !method.isBridge()
          && !isOfEvery(type, method)) {
        members.add("  " + prefix(method.getModifiers()) + method.getName() + parameters(method));
      }
    }
    return members;
  }

  private static boolean isOfEvery(Class<?> type, Method method) {
    boolean component =
        type.isRecord()
            && Arrays.stream(type.getRecordComponents())
                .anyMatch(each -> each.getAccessor().equals(method));
    boolean ofEnum = type.isEnum() && List.of("values", "valueOf").contains(method.getName());
    return component
        || ofEnum
        || List.of("toString", "equals", "hashCode").contains(method.getName());
  }

  private static String prefix(int modifiers) {
    return (Modifier.isProtected(modifiers) ? "protected " : "")
        + (Modifier.isStatic(modifiers) ? "static " : "");
  }

  private static String parameters(Executable executable) {
    return Arrays.stream(executable.getParameterTypes())
        .map(Class::getSimpleName)
        .collect(Collectors.joining(", ", "(", ")"));
  }
}
