package com.gptdesk.chat.policies;

import java.io.IOException;
import java.io.Writer;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import javax.xml.stream.XMLOutputFactory;
import javax.xml.stream.XMLStreamException;
import javax.xml.stream.XMLStreamWriter;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** A report in the two forms that CI servers show: the XML of JUnit, and SARIF 2.1.0. */
final class PolicyReportFiles {
  private static final JsonMapper JSON = new JsonMapper();
  private static final String SUITE = "chat.policies";
  private static final String MATRIX = "db/policies.md";

  private PolicyReportFiles() {}

  /** A test case for each attempt of each person, for each right that differs, and each cause. */
  static void junit(PolicyReport report, Writer out) throws IOException {
    List<Case> cases = cases(report);
    try {
      XMLStreamWriter xml = XMLOutputFactory.newInstance().createXMLStreamWriter(out);
      xml.writeStartDocument("UTF-8", "1.0");
      xml.writeStartElement("testsuite");
      xml.writeAttribute("name", SUITE);
      xml.writeAttribute("tests", String.valueOf(cases.size()));
      xml.writeAttribute("failures", String.valueOf(count(cases, "failure")));
      xml.writeAttribute("skipped", String.valueOf(count(cases, "skipped")));
      xml.writeAttribute("errors", "0");
      for (Case one : cases) {
        xml.writeStartElement("testcase");
        xml.writeAttribute("classname", SUITE + "." + one.group());
        xml.writeAttribute("name", one.name());
        if (!one.outcome().isEmpty()) {
          xml.writeEmptyElement(one.outcome());
          xml.writeAttribute("message", xmlText(one.message()));
        }
        xml.writeEndElement();
      }
      xml.writeEndElement();
      xml.writeEndDocument();
      xml.close();
    } catch (XMLStreamException e) {
      throw new IOException("The report could not be written", e);
    }
  }

  /** A result for each cause, and for each difference that no cause explains. */
  static void sarif(PolicyReport report, Writer out) throws IOException {
    ObjectNode log = JSON.createObjectNode();
    log.put("$schema", "https://json.schemastore.org/sarif-2.1.0.json");
    log.put("version", "2.1.0");
    ObjectNode run = log.putArray("runs").addObject();
    ObjectNode driver = run.putObject("tool").putObject("driver");
    driver.put("name", "verify-policies");
    ArrayNode rules = driver.putArray("rules");
    rule(
        rules, "cause", "The database differs from the migrations, or has another way to the data");
    rule(rules, "difference", "A person may do more or less than the policy matrix says");
    rule(rules, "untried", "The policy matrix could not be tried");
    ArrayNode results = run.putArray("results");
    report.causes().forEach(cause -> result(results, "cause", cause.id(), cause.toString()));
    report
        .unexplained()
        .forEach(
            difference -> result(results, "difference", difference.where(), difference.toString()));
    if (report.untried() != null) {
      result(results, "untried", "untried", report.untried());
    }
    out.write(JSON.writerWithDefaultPrettyPrinter().writeValueAsString(log));
    out.flush();
  }

  /**
   * One line of the XML.
   *
   * @param outcome {@code failure} or {@code skipped}; empty for what is as it should be
   */
  private record Case(String group, String name, String outcome, String message) {}

  private static List<Case> cases(PolicyReport report) {
    List<Case> cases = new ArrayList<>();
    Set<Difference> wrong = new HashSet<>(report.differences());
    String outcome = report.allWell() ? "skipped" : "failure"; // where all is well, it is accepted
    for (Map.Entry<Attempt, Map<Persona, String>> line : report.outcomes().entrySet()) {
      Attempt attempt = line.getKey();
      for (Map.Entry<Persona, String> one : line.getValue().entrySet()) {
        Difference maybe = PolicyReport.difference(attempt, one.getKey(), one.getValue());
        boolean differs = wrong.contains(maybe);
        cases.add(
            new Case(
                attempt.section(),
                "%s, %s, %s".formatted(attempt.way(), attempt.what(), one.getKey().label()),
                differs ? outcome : "",
                "expected %s, got %s".formatted(maybe.expected(), maybe.actual())));
      }
    }
    report
        .rights()
        .forEach(right -> cases.add(new Case("rights", right.where(), outcome, right.toString())));
    report
        .causes()
        .forEach(cause -> cases.add(new Case("causes", cause.id(), "failure", cause.toString())));
    if (report.untried() != null) {
      cases.add(new Case("causes", "the matrix could not be tried", "failure", report.untried()));
    }
    if (report.causes().isEmpty()) {
      cases.add(new Case("causes", "the database is what the migrations make", "", ""));
    }
    return cases;
  }

  private static long count(List<Case> cases, String outcome) {
    return cases.stream().filter(one -> one.outcome().equals(outcome)).count();
  }

  private static void rule(ArrayNode rules, String id, String meaning) {
    ObjectNode rule = rules.addObject();
    rule.put("id", id);
    rule.putObject("shortDescription").put("text", meaning);
  }

  private static void result(ArrayNode results, String rule, String id, String message) {
    ObjectNode result = results.addObject();
    result.put("ruleId", rule);
    result.put("level", "error");
    result.putObject("message").put("text", message);
    result.putObject("partialFingerprints").put("id/v1", id);
    result
        .putArray("locations")
        .addObject()
        .putObject("physicalLocation")
        .putObject("artifactLocation")
        .put("uri", MATRIX);
  }

  /** Without what XML 1.0 cannot contain. */
  private static String xmlText(String text) {
    return text.replaceAll(
        "[^\\t\\n\\r\\x20-\\uD7FF\\uE000-\\uFFFD\\x{10000}-\\x{10FFFF}]", "\uFFFD");
  }
}
