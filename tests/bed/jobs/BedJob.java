import java.util.Arrays;
import java.util.List;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;

/** A Spark job in a jar: {@code [fail | sleep SECONDS]}. */
public final class BedJob {
  private BedJob() {}

  /** Sums four numbers on the cluster, then does what the arguments say. */
  public static void main(String[] args) throws InterruptedException {
    SparkSession spark = SparkSession.builder().appName("BedJob").getOrCreate();
    List<Integer> numbers = Arrays.asList(1, 2, 3, 4);
    int sum = new JavaSparkContext(spark.sparkContext()).parallelize(numbers, 2).reduce(Integer::sum);
    System.out.println("sum=" + sum + " arguments=" + Arrays.toString(args));
    String order = args.length > 0 ? args[0] : "";
    if (order.equals("fail")) {
      throw new IllegalStateException("the jar was told to fail");
    }
    if (order.equals("sleep")) {
      Thread.sleep((long) (1000 * Double.parseDouble(args[1])));
    }
    spark.stop();
  }
}
