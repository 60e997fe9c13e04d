// RUN: tq-opt %s -tq-expand-math | FileCheck %s
// RUN: tq-opt %s -tq-expand-math -canonicalize | FileCheck %s --check-prefix=FORM

// CHECK-LABEL: func.func @all
// CHECK-NOT: math.exp
// CHECK-NOT: math.erf
// CHECK-NOT: math.tanh
// CHECK-NOT: math.sin
// CHECK-NOT: math.cos
// CHECK-NOT: math.log
// CHECK-NOT: math.rsqrt
func.func @all(%x: f32, %v: vector<4xf32>, %h: f16) -> (f32, f32, f32, f32, f32, f32, f32, f32, vector<4xf32>, f16) {
  // CHECK-COUNT-73: math.fma
  %0 = math.exp %x : f32
  %1 = math.exp2 %x : f32
  %2 = math.erf %x : f32
  %3 = math.tanh %x : f32
  %4 = math.rsqrt %x : f32
  %5 = math.sin %x : f32
  %6 = math.cos %x : f32
  %7 = math.log %x : f32
  // CHECK: math.fma {{.*}} : vector<4xf32>
  %8 = math.exp %v : vector<4xf32>
  // CHECK: arith.extf {{.*}} : f16 to f32
  // CHECK: arith.truncf {{.*}} : f32 to f16
  %9 = math.exp2 %h : f16
  return %0, %1, %2, %3, %4, %5, %6, %7, %8, %9 : f32, f32, f32, f32, f32, f32, f32, f32, vector<4xf32>, f16
}

// What has no polynomial, and double precision, is left alone.

// CHECK-LABEL: func.func @others
func.func @others(%x: f32, %d: f64) -> (f32, f64) {
  // CHECK: math.atan
  %0 = math.atan %x : f32
  // CHECK: math.exp {{.*}} : f64
  %1 = math.exp %d : f64
  return %0, %1 : f32, f64
}

// CHECK-LABEL: func.func @rsqrt
func.func @rsqrt(%x: f32) -> f32 {
  // CHECK: %[[ONE:.*]] = arith.constant 1.000000e+00
  // CHECK: %[[ROOT:.*]] = math.sqrt
  // CHECK: arith.divf %[[ONE]], %[[ROOT]]
  %0 = math.rsqrt %x : f32
  return %0 : f32
}

// The reduction is f64; what follows is f32.

// FORM-LABEL: func.func @sin
// FORM-SAME: (%[[X:.*]]: vector<4xf32>)
func.func @sin(%x: vector<4xf32>) -> vector<4xf32> {
  // FORM-DAG: %[[LIMIT:.*]] = arith.constant dense<1.09951163E+12> : vector<4xf32>
  // FORM-DAG: %[[ZERO:.*]] = arith.constant dense<0.000000e+00> : vector<4xf32>
  // FORM-DAG: %[[MAGIC:.*]] = arith.constant dense<0x4338000000000000> : vector<4xf64>
  // FORM-DAG: %[[TWO_OVER_PI:.*]] = arith.constant dense<0.63661977236758138> : vector<4xf64>
  // FORM-DAG: %[[HALF_PI:.*]] = arith.constant dense<1.5707963267948966> : vector<4xf64>
  // FORM-DAG: %[[LOW:.*]] = arith.constant dense<6.123233995736766E-17> : vector<4xf64>
  // FORM-DAG: %[[S0:.*]] = arith.constant dense<-0.166666552> : vector<4xf32>
  // FORM-DAG: %[[S1:.*]] = arith.constant dense<0.00833218917> : vector<4xf32>
  // FORM-DAG: %[[S2:.*]] = arith.constant dense<-1.95182773E-4> : vector<4xf32>
  // FORM-DAG: %[[C0:.*]] = arith.constant dense<1.000000e+00> : vector<4xf32>
  // FORM-DAG: %[[C1:.*]] = arith.constant dense<-5.000000e-01> : vector<4xf32>
  // FORM-DAG: %[[C2:.*]] = arith.constant dense<0.0416666456> : vector<4xf32>
  // FORM-DAG: %[[C3:.*]] = arith.constant dense<-0.00138873095> : vector<4xf32>
  // FORM-DAG: %[[C4:.*]] = arith.constant dense<2.44323273E-5> : vector<4xf32>
  // FORM-DAG: %[[I0:.*]] = arith.constant dense<0> : vector<4xi32>
  // FORM-DAG: %[[I1:.*]] = arith.constant dense<1> : vector<4xi32>
  // FORM-DAG: %[[I30:.*]] = arith.constant dense<30> : vector<4xi32>
  // FORM-DAG: %[[SIGN:.*]] = arith.constant dense<-2147483648> : vector<4xi32>
  // FORM: %[[ABS:.*]] = math.absf %[[X]]
  // FORM: %[[BEYOND:.*]] = arith.cmpf ogt, %[[ABS]], %[[LIMIT]]
  // FORM: %[[LIMITED:.*]] = arith.select %[[BEYOND]], %[[LIMIT]], %[[ABS]]
  // FORM: %[[FINITE:.*]] = math.fma %[[X]], %[[ZERO]], %[[LIMITED]]
  // FORM: %[[A:.*]] = arith.extf %[[FINITE]] : vector<4xf32> to vector<4xf64>
  // FORM: %[[T:.*]] = math.fma %[[A]], %[[TWO_OVER_PI]], %[[MAGIC]]
  // FORM: %[[K:.*]] = arith.subf %[[T]], %[[MAGIC]]
  // FORM: %[[N:.*]] = arith.negf %[[K]]
  // FORM: %[[R0:.*]] = math.fma %[[N]], %[[HALF_PI]], %[[A]]
  // FORM: %[[R1:.*]] = math.fma %[[N]], %[[LOW]], %[[R0]] : vector<4xf64>
  // FORM: %[[R:.*]] = arith.truncf %[[R1]] : vector<4xf64> to vector<4xf32>
  // FORM: %[[BITS:.*]] = arith.bitcast %[[T]] : vector<4xf64> to vector<4xi64>
  // FORM: %[[Q:.*]] = arith.trunci %[[BITS]] : vector<4xi64> to vector<4xi32>
  // FORM: %[[Z:.*]] = arith.mulf %[[R]], %[[R]]
  // FORM: %[[CUBE:.*]] = arith.mulf %[[R]], %[[Z]]
  // FORM: %[[P1:.*]] = math.fma %[[S2]], %[[Z]], %[[S1]]
  // FORM: %[[P0:.*]] = math.fma %[[P1]], %[[Z]], %[[S0]]
  // FORM: %[[SINE:.*]] = math.fma %[[CUBE]], %[[P0]], %[[R]]
  // FORM: %[[Q3:.*]] = math.fma %[[C4]], %[[Z]], %[[C3]]
  // FORM: %[[Q2:.*]] = math.fma %[[Q3]], %[[Z]], %[[C2]]
  // FORM: %[[Q1:.*]] = math.fma %[[Q2]], %[[Z]], %[[C1]]
  // FORM: %[[COSINE:.*]] = math.fma %[[Q1]], %[[Z]], %[[C0]]
  // FORM: %[[ODD:.*]] = arith.andi %[[Q]], %[[I1]]
  // FORM: %[[EVEN:.*]] = arith.cmpi eq, %[[ODD]], %[[I0]]
  // FORM: %[[Y:.*]] = arith.select %[[EVEN]], %[[SINE]], %[[COSINE]]
  // FORM: %[[SHIFTED:.*]] = arith.shli %[[Q]], %[[I30]]
  // FORM: %[[HALF:.*]] = arith.andi %[[SHIFTED]], %[[SIGN]]
  // FORM: %[[Y_BITS:.*]] = arith.bitcast %[[Y]]
  // FORM: %[[OF_HALF:.*]] = arith.xori %[[Y_BITS]], %[[HALF]]
  // FORM: %[[X_BITS:.*]] = arith.bitcast %[[X]]
  // FORM: %[[X_SIGN:.*]] = arith.andi %[[X_BITS]], %[[SIGN]]
  // FORM: %[[SIGNED:.*]] = arith.xori %[[OF_HALF]], %[[X_SIGN]]
  // FORM: %[[SIN:.*]] = arith.bitcast %[[SIGNED]] : vector<4xi32> to vector<4xf32>
  // FORM: return %[[SIN]]
  %0 = math.sin %x : vector<4xf32>
  return %0 : vector<4xf32>
}

// One quarter more, and the sign of the argument plays no part.

// FORM-LABEL: func.func @cos
// FORM-SAME: (%[[X:.*]]: f32)
func.func @cos(%x: f32) -> f32 {
  // FORM-DAG: %[[I0:.*]] = arith.constant 0 : i32
  // FORM-DAG: %[[I1:.*]] = arith.constant 1 : i32
  // FORM-DAG: %[[I30:.*]] = arith.constant 30 : i32
  // FORM-DAG: %[[SIGN:.*]] = arith.constant -2147483648 : i32
  // FORM: %[[BITS:.*]] = arith.bitcast %{{.*}} : f64 to i64
  // FORM: %[[K:.*]] = arith.trunci %[[BITS]] : i64 to i32
  // FORM: %[[Q:.*]] = arith.addi %[[K]], %[[I1]]
  // FORM: %[[ODD:.*]] = arith.andi %[[Q]], %[[I1]]
  // FORM: %[[EVEN:.*]] = arith.cmpi eq, %[[ODD]], %[[I0]]
  // FORM: %[[Y:.*]] = arith.select %[[EVEN]]
  // FORM: %[[SHIFTED:.*]] = arith.shli %[[Q]], %[[I30]]
  // FORM: %[[HALF:.*]] = arith.andi %[[SHIFTED]], %[[SIGN]]
  // FORM: %[[Y_BITS:.*]] = arith.bitcast %[[Y]]
  // FORM: %[[SIGNED:.*]] = arith.xori %[[Y_BITS]], %[[HALF]]
  // FORM: %[[COS:.*]] = arith.bitcast %[[SIGNED]]
  // FORM: return %[[COS]]
  %0 = math.cos %x : f32
  return %0 : f32
}

// FORM-LABEL: func.func @log
// FORM-SAME: (%[[X:.*]]: f32)
func.func @log(%x: f32) -> f32 {
  // FORM-DAG: %[[SMALLEST:.*]] = arith.constant 1.17549435E-38 : f32
  // FORM-DAG: %[[SCALE:.*]] = arith.constant 0x4B000000 : f32
  // FORM-DAG: %[[SQRT_HALF:.*]] = arith.constant 1060439283 : i32
  // FORM-DAG: %[[SCALED_BASE:.*]] = arith.constant 1253377267 : i32
  // FORM-DAG: %[[I23:.*]] = arith.constant 23 : i32
  // FORM-DAG: %[[MASK:.*]] = arith.constant 8388607 : i32
  // FORM-DAG: %[[ONE:.*]] = arith.constant 1.000000e+00 : f32
  // FORM-DAG: %[[C0:.*]] = arith.constant -0.499999881 : f32
  // FORM-DAG: %[[C7:.*]] = arith.constant 0.129044712 : f32
  // FORM-DAG: %[[C8:.*]] = arith.constant -0.076217927 : f32
  // FORM-DAG: %[[LN2:.*]] = arith.constant 0.693147182 : f32
  // FORM-DAG: %[[ZERO:.*]] = arith.constant 0.000000e+00 : f32
  // FORM-DAG: %[[NAN:.*]] = arith.constant 0x7FC00000 : f32
  // FORM-DAG: %[[MINUS_INF:.*]] = arith.constant 0xFF800000 : f32
  // FORM-DAG: %[[INF:.*]] = arith.constant 0x7F800000 : f32
  // FORM: %[[SCALED:.*]] = arith.mulf %[[X]], %[[SCALE]]
  // FORM: %[[TINY:.*]] = arith.cmpf ogt, %[[SMALLEST]], %[[X]]
  // FORM: %[[V:.*]] = arith.select %[[TINY]], %[[SCALED]], %[[X]]
  // FORM: %[[TINY2:.*]] = arith.cmpf ogt, %[[SMALLEST]], %[[X]]
  // FORM: %[[BASE:.*]] = arith.select %[[TINY2]], %[[SCALED_BASE]], %[[SQRT_HALF]]
  // FORM: %[[V_BITS:.*]] = arith.bitcast %[[V]]
  // FORM: %[[BITS:.*]] = arith.subi %[[V_BITS]], %[[BASE]]
  // FORM: %[[EXPONENT:.*]] = arith.shrsi %[[BITS]], %[[I23]]
  // FORM: %[[E:.*]] = arith.sitofp %[[EXPONENT]]
  // FORM: %[[MANTISSA:.*]] = arith.andi %[[BITS]], %[[MASK]]
  // FORM: %[[M_BITS:.*]] = arith.addi %[[MANTISSA]], %[[SQRT_HALF]]
  // FORM: %[[M:.*]] = arith.bitcast %[[M_BITS]]
  // FORM: %[[F:.*]] = arith.subf %[[M]], %[[ONE]]
  // FORM: %[[SQUARE:.*]] = arith.mulf %[[F]], %[[F]]
  // FORM: %[[P7:.*]] = math.fma %[[C8]], %[[F]], %[[C7]]
  // FORM-COUNT-6: math.fma %{{.*}}, %[[F]], %{{.*}}
  // FORM: %[[P:.*]] = math.fma %{{.*}}, %[[F]], %[[C0]]
  // FORM: %[[LOG1P:.*]] = math.fma %[[SQUARE]], %[[P]], %[[F]]
  // FORM: %[[SUM:.*]] = math.fma %[[E]], %[[LN2]], %[[LOG1P]]
  // FORM: %[[NEGATIVE:.*]] = arith.cmpf ogt, %[[ZERO]], %[[X]]
  // FORM: %[[OUTSIDE:.*]] = arith.select %[[NEGATIVE]], %[[NAN]], %[[MINUS_INF]]
  // FORM: %[[POSITIVE:.*]] = arith.cmpf ogt, %[[X]], %[[ZERO]]
  // FORM: %[[INSIDE:.*]] = arith.select %[[POSITIVE]], %[[SUM]], %[[OUTSIDE]]
  // FORM: %[[FINITE:.*]] = arith.cmpf ogt, %[[INF]], %[[X]]
  // FORM: %[[LOG:.*]] = arith.select %[[FINITE]], %[[INSIDE]], %[[X]]
  // FORM: return %[[LOG]]
  %0 = math.log %x : f32
  return %0 : f32
}
